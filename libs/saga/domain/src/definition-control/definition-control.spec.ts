import { fold, instantOf, Rejection } from '@downbeat/eventsourcing';
import { definitionControl, type DefinitionControlEvent } from './definition-control';

const at = instantOf(0);
const workflow_name = 'order';
const said = (...commands: readonly ('leave' | 'pause' | 'resume')[]) => {
  const events: DefinitionControlEvent[] = [];
  for (const word of commands) {
    const state = fold(definitionControl, events);
    const decision =
      word === 'resume'
        ? definitionControl.decide({ type: 'ResumeDefinition', data: { workflow_name }, at }, state)
        : definitionControl.decide(
            { type: 'PauseDefinition', data: { workflow_name, reason: 'r', runs: word }, at },
            state,
          );
    if (decision instanceof Rejection) throw new Error(decision.code);
    events.push(...decision);
  }
  return events.map(({ type, data }) => `${type} ${data.pause_no}`);
};

describe('the control of a definition', () => {
  it('is paused and resumed, each once', () =>
    expect(said('resume', 'leave', 'leave', 'resume', 'resume')).toEqual([
      'DefinitionPaused 1',
      'DefinitionResumed 1',
    ]));

  it('is paused anew when its runs are to be paused too, and counts its pauses', () =>
    expect(said('leave', 'pause', 'resume', 'pause')).toEqual([
      'DefinitionPaused 1',
      'DefinitionPaused 2',
      'DefinitionResumed 2',
      'DefinitionPaused 3',
    ]));
});
