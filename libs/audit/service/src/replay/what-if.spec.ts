import type { WorkflowDefinition } from '@downbeat/contracts';
import { Rejection, type RecordedEvent } from '@downbeat/eventsourcing';
import { compileDefinition } from '@downbeat/saga-domain';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Transcript } from '../testing/golden-scenarios';
import { courseWith } from './what-if';

const transcript = (name: string): Transcript =>
  JSON.parse(readFileSync(join(__dirname, 'golden', `${name}.json`), 'utf8')) as Transcript;

/** @param change To the definition the run was made with. */
async function whatIf(name: string, change: (text: string) => string = (text) => text) {
  const { definition, appends } = transcript(name);
  const changed = JSON.parse(change(JSON.stringify(definition))) as WorkflowDefinition;
  const compiled = compileDefinition({ ...changed, version: '9.0.0' });
  if (compiled instanceof Rejection) throw new Error(compiled.message);
  let position = 0;
  async function* recorded(): AsyncGenerator<readonly RecordedEvent[]> {
    for (const append of appends)
      yield append.map((event) => ({ ...event, position: ++position }) as unknown as RecordedEvent);
  }
  return { course: await courseWith(compiled, recorded()), appends };
}

describe('a run with another definition', () => {
  it.each(['completed', 'refused-and-undone', 'branches-and-a-delay', 'failed-and-retried'])(
    'goes the same way when only the version differs: %s',
    async (name) => {
      const { course, appends } = await whatIf(name);
      expect(course).toEqual({ decisions_compared: appends.length });
    },
  );

  it('is followed up to the first decision that differs', async () => {
    const { course } = await whatIf('refused-and-undone', (text) =>
      text.replace('"compensation_strategy":"all"', '"compensation_strategy":"none"'),
    );
    expect(course.first_difference?.position).toBeGreaterThan(1);
    expect(JSON.stringify(course.first_difference?.recorded)).toContain('CompensationStarted');
    expect(JSON.stringify(course.first_difference?.derived)).toContain('WorkflowFailed');
    expect(course.decisions_compared).toBeGreaterThan(0);
  });

  it('differs at once when it begins with something else', async () => {
    const { course } = await whatIf('completed', (text) =>
      text.replace('"steps":[', '"steps":[{"name":"first","type":"delay","delay_seconds":1},'),
    );
    expect(course).toMatchObject({ decisions_compared: 0, first_difference: { position: 1 } });
    expect(JSON.stringify(course.first_difference?.derived)).toContain('DelayStarted');
  });
});
