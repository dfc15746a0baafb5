import {
  definitionControl,
  type DefinitionControlCommand,
  type DefinitionControlEvent,
} from '@downbeat/saga-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

export const definitionControlReplayer: Replayer = {
  context: 'saga',
  begin: () => new DeciderReplay(definitionControl, ([event]) => event && causeOf(event)),
};

function causeOf({ type, data }: DefinitionControlEvent): DefinitionControlCommand {
  const { workflow_name, at } = data;
  switch (type) {
    case 'DefinitionPaused': {
      const { reason, runs } = data;
      return { type: 'PauseDefinition', data: { workflow_name, reason, runs }, at };
    }
    case 'DefinitionResumed':
      return { type: 'ResumeDefinition', data: { workflow_name }, at };
  }
}
