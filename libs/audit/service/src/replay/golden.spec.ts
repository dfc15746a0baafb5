import type { WorkflowDefinition } from '@downbeat/contracts';
import { Rejection, type Instant, type RecordedEvent } from '@downbeat/eventsourcing';
import { compileDefinition, isStarted, type RunEvent, type RunState } from '@downbeat/saga-domain';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GOLDEN_SCENARIOS, type Transcript } from '../testing/golden-scenarios';
import { workflowReplayer } from './workflow.replayer';

const FOLDER = join(__dirname, 'golden');
const names = readdirSync(FOLDER).map((file) => file.replace(/\.json$/, ''));
const transcript = (name: string): Transcript =>
  JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Transcript;

/** What an audit says of each append. */
async function replay({ definition, later, appends }: Transcript) {
  const run = workflowReplayer(({ workflow_version }) => {
    const known = later?.['version'] === workflow_version ? later : definition;
    const compiled = compileDefinition(known as unknown as WorkflowDefinition);
    return Promise.resolve(compiled instanceof Rejection ? compiled.message : compiled);
  }).begin();
  const comparisons = [];
  for (const events of appends) comparisons.push(await run.apply(events.map(recorded)));
  return { comparisons, state: run.state() as unknown as RunState };
}
const recorded = (event: RunEvent): RecordedEvent =>
  ({ ...event, recorded_at: event.data.at as Instant }) as unknown as RecordedEvent;

describe('runs that earlier releases recorded', () => {
  it.each(names)('%s: every decision follows from the rules of today', async (name) => {
    const recordedRun = transcript(name);
    const { comparisons, state } = await replay(recordedRun);
    expect(comparisons).toEqual(recordedRun.appends.map(() => ({ isSame: true })));
    expect(isStarted(state) && ['completed', 'failed', 'compensated']).toContain(state.status);
  });

  it('are there for every scenario', () => {
    expect(names.toSorted()).toEqual(Object.keys(GOLDEN_SCENARIOS).toSorted());
  });

  it('tell of a decision that does not follow', async () => {
    const { definition, appends } = transcript('refused-and-undone');
    const swapped = JSON.parse(
      JSON.stringify(appends).replace('"steps":["b","a"]', '"steps":["a","b"]'),
    ) as Transcript['appends'];
    const { comparisons } = await replay({ definition, appends: swapped });
    expect(comparisons.filter(({ isSame }) => !isSame).length).toBeGreaterThan(0);
  });

  it('tell of a migration that the rules refuse, and of one to what is not known', async () => {
    const { definition, later, appends } = transcript('migrated-to-another-undo');
    const other = JSON.parse(
      JSON.stringify(later).replace('"name":"a"', '"name":"other"'),
    ) as never;
    const { comparisons } = await replay({ definition, later: other, appends });
    expect(comparisons.findIndex(({ isSame }) => !isSame)).toBe(5);
    const unknown = await replay({ definition, appends });
    expect(unknown.comparisons[5]?.isSame).toBe(false);
  });
});
