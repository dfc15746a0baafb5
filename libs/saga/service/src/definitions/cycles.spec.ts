import { Rejection } from '@downbeat/eventsourcing';
import { runDecider } from '@downbeat/saga-domain';
import { call, child, compiled, definitionOf } from '@downbeat/saga-domain/testing';
import { checkCycles } from './cycles';

/** Each workflow contains the ones it names. */
const libraryOf = (contents: Readonly<Record<string, readonly string[]>>) => ({
  find: async (name: string) => {
    const inner = contents[name];
    if (!inner) return new Rejection('workflow-definition-unknown', name, 'not-found');
    const definition = compiled(stepsOf(inner), { name });
    return { definition, decider: runDecider(definition), checksum: 'c' };
  },
});
const stepsOf = (inner: readonly string[]) => [
  call('a'),
  ...inner.map((workflow_name, index) => child(`s${index}`, { workflow_name })),
];
const check = (inner: readonly string[], contents: Readonly<Record<string, readonly string[]>>) =>
  checkCycles(definitionOf(stepsOf(inner)), libraryOf(contents));

describe('a definition that is registered', () => {
  it('is refused when it leads back to itself, with the step that does', async () => {
    const refused = await check(['x', 'y'], { x: [], y: ['z'], z: ['book'] });
    expect(refused?.errors).toEqual([
      { field: 'steps.2.workflow_name', message: expect.stringContaining('back to book') },
    ]);
  });

  it('is taken when others form a cycle, or are not known', async () => {
    expect(await check(['x'], { x: ['y'], y: ['x'] })).toBeUndefined();
    expect(await check(['x'], {})).toBeUndefined();
  });
});
