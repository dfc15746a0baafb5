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
async function whatIf(
  name: string,
  change: (text: string) => string = (text) => text,
  lateFrom = Number.POSITIVE_INFINITY,
) {
  const { definition, later, appends: punctual } = transcript(name);
  const appends = punctual.map((append, at) =>
    at < lateFrom
      ? append
      : (JSON.parse(JSON.stringify(append).replaceAll('T09:3', 'T09:5')) as typeof append),
  );
  const changed = JSON.parse(change(JSON.stringify(later ?? definition))) as WorkflowDefinition;
  const compiled = compileDefinition({ ...changed, version: '9.0.0' });
  if (compiled instanceof Rejection) throw new Error(compiled.message);
  let position = 0;
  async function* recorded(): AsyncGenerator<readonly RecordedEvent[]> {
    for (const append of appends)
      yield append.map((event) => ({ ...event, position: ++position }) as unknown as RecordedEvent);
  }
  const original = (pinned: object) => {
    const known = 'to_version' in pinned ? later : definition;
    const found = compileDefinition(known as unknown as WorkflowDefinition);
    if (found instanceof Rejection) throw new Error(found.message);
    return Promise.resolve(found);
  };
  return { course: await courseWith(compiled, recorded(), original), appends };
}

describe('a run with another definition', () => {
  it.each(['completed', 'refused-and-undone', 'branches-and-a-delay', 'failed-and-retried'])(
    'goes the same way when only the version differs: %s',
    async (name) => {
      const { course, appends } = await whatIf(name);
      expect(course).toEqual({ decisions_compared: appends.length });
    },
  );

  it('is taken to have gone by it all along when it had migrated', async () => {
    const { course } = await whatIf('migrated-to-another-undo', (text) =>
      text
        .replace('/a/undo/v2', '/a/undo')
        .replace('"input_mapping":{"id":"output.id"}', '"input_mapping":{}'),
    );
    // The undo was called as this version says, and after the migration in another way.
    expect(course).toMatchObject({ decisions_compared: 6 });
    expect(JSON.stringify(course.first_difference?.recorded)).toContain('/a/undo/v2');
    const kept = await whatIf('migrated-to-another-request-and-then-undone');
    expect(kept.course.first_difference?.position).toBe(1);
  });

  it('is followed up to the first decision that differs', async () => {
    const { course } = await whatIf('refused-and-undone', (text) =>
      text.replace('"compensation_strategy":"all"', '"compensation_strategy":"none"'),
    );
    expect(course.first_difference?.position).toBeGreaterThan(1);
    expect(JSON.stringify(course.first_difference?.recorded)).toContain('CompensationStarted');
    expect(JSON.stringify(course.first_difference?.derived)).toContain('WorkflowFailed');
    expect(course.decisions_compared).toBeGreaterThan(0);
  });

  it.each([
    ['another service', '"service_name":"b"', '"service_name":"elsewhere"'],
    ['another endpoint', '"endpoint":"/b"', '"endpoint":"/elsewhere"'],
  ])('differs when it would have called %s', async (_, was, is) => {
    const { course } = await whatIf('completed', (text) => text.replace(was, is));
    expect(course).toMatchObject({ decisions_compared: 1, first_difference: { position: 3 } });
    expect(JSON.stringify(course.first_difference?.recorded)).toContain(was);
    expect(JSON.stringify(course.first_difference?.derived)).toContain(is);
  });

  it('differs where it would have timed out before', async () => {
    const { course } = await whatIf(
      'completed',
      (text) => text.replace('"timeout_minutes":60', '"timeout_minutes":10'),
      2,
    );
    expect(course).toMatchObject({ decisions_compared: 2 });
    expect(course.first_difference?.derived).toContain('would have timed out at');
    expect((await whatIf('completed', undefined, 2)).course).toEqual({ decisions_compared: 4 });
  });

  it('differs at once when it begins with something else', async () => {
    const { course } = await whatIf('completed', (text) =>
      text.replace('"steps":[', '"steps":[{"name":"first","type":"delay","delay_seconds":1},'),
    );
    expect(course).toMatchObject({ decisions_compared: 0, first_difference: { position: 1 } });
    expect(JSON.stringify(course.first_difference?.derived)).toContain('DelayStarted');
  });
});
