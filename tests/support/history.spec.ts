import type { CallRecord } from '@downbeat/wedding';
import type { StoredEvent } from './bookings';
import { judge } from './history';

const RUN = 'run-1';
const at = (ms: number): string => new Date(ms).toISOString();
const event = (type: string, ms: number, data = {}): StoredEvent => ({
  position: ms,
  stream: `workflow-${RUN}`,
  type,
  data,
  recorded_at: at(ms),
});
const BOOKING = 'booking-1';
const call = (name: string, ms: number, outcome: CallRecord['outcome'] = 'applied') =>
  ({
    service: 'venue',
    operation: `/${name}`,
    seq: ms,
    key: `${RUN}:${name}`,
    booking_id: BOOKING,
    at: at(ms),
    monotonic_ns: String(ms),
    outcome,
  }) as CallRecord;

const started = (step: string, ms: number) => event('StepStarted', ms, { step });
const undoStarted = (step: string, ms: number) => event('UndoStarted', ms, { step });
const done = (step: string, ms: number) => event('StepCompleted', ms, { step });
const undone = (step: string, ms: number) => event('StepCompensated', ms, { step });
const events = [
  event('WorkflowStarted', 1, { correlation_id: BOOKING }),
  started('a', 1),
  done('a', 10),
  started('b', 10),
  done('b', 20),
  undoStarted('b', 20),
  undone('b', 30),
  undoStarted('a', 30),
  undone('a', 40),
  event('WorkflowCompensated', 40),
];
const calls = [call('a', 5), call('b', 15), call('b:undo', 25), call('a:undo', 35)];

describe('the judge of a run', () => {
  it('finds nothing where all is well', () => expect(judge(RUN, events, calls)).toEqual([]));

  it('finds a run that did not end', () =>
    expect(judge(RUN, events.slice(0, -1), calls)).toHaveLength(1));

  it('finds a run that ended twice', () =>
    expect(judge(RUN, [...events, event('WorkflowCompleted', 50)], calls)).toHaveLength(1));

  it('finds a step that was called after it was recorded as done', () =>
    expect(judge(RUN, events, [...calls, call('a', 16, 'replayed')])).toHaveLength(1));

  it('finds an undo that was called after it was recorded as done', () =>
    expect(judge(RUN, events, [...calls, call('b:undo', 50, 'replayed')])).toHaveLength(1));

  it('finds an effect that came twice', () =>
    expect(judge(RUN, events, [...calls, call('a', 6)])).toHaveLength(1));

  it('finds undos in the wrong order', () => {
    const swapped = [call('a', 5), call('b', 15), call('a:undo', 25), call('b:undo', 28)];
    expect(judge(RUN, events, swapped)).toHaveLength(1);
  });

  it('finds nothing where a call comes again under its key', () =>
    expect(judge(RUN, events, [...calls, call('a', 7, 'replayed')])).toEqual([]));

  describe('compares keys with the steps of the run, so it finds', () => {
    /** A retry of `/a` under another key than `run-1:a`. */
    const retried = (key: string, outcome: CallRecord['outcome'] = 'refused') => ({
      ...call('a', 7, outcome),
      key,
    });

    it.each([
      ['a key with something behind it', `${RUN}:a:2`],
      ['the key of an undo', `${RUN}:c:undo`],
      ['the key of another run', 'run-2:a'],
      ['a key from nowhere', '0198c2a4-7d1e-8c3b-9a52-3f1f0a9f3c11'],
      ['no key at all', ''],
      ['the key of another step', `${RUN}:b`],
      ['the key of a step that was never called', `${RUN}:z`],
    ])('%s at a retry', (_, key) =>
      expect(
        judge(RUN, events, [calls[0], retried(key), ...calls.slice(1)].filter(isThere)),
      ).toEqual(expect.arrayContaining([expect.stringContaining(`has the key ${key}`)])),
    );

    it('a key that was wrong from the first call on', () =>
      expect(judge(RUN, events, [retried('other', 'applied'), ...calls.slice(1)])).toHaveLength(2));

    it('the key of an undo that was never intended', () => {
      const without = events.filter(
        ({ type, data }) => type !== 'UndoStarted' || data['step'] !== 'b',
      );
      expect(judge(RUN, without, calls)).toHaveLength(1);
    });

    it('a step that is recorded as done and was seen by nobody', () =>
      expect(judge(RUN, events, calls.slice(1))).toEqual([
        `${RUN}:a is recorded as done, and nobody saw this key`,
      ]));

    it('2 % of keys changed at retries, whatever they are changed to', () => {
      // Every call comes twice; of a hundred runs, two lose their key at the second call.
      const found = Array.from({ length: 100 }, (_, run) => {
        const again = calls.map((one) => ({ ...one, outcome: 'replayed' as const }));
        const mutated = again.map((one, at) =>
          run % 50 === 0 && at === 0 ? { ...one, key: `${one.key}-retry` } : one,
        );
        return judge(RUN, events, [...calls, ...mutated]).length > 0;
      });
      expect(found.filter(Boolean)).toHaveLength(2);
    });
  });
});

const isThere = (one: CallRecord | undefined): one is CallRecord => one !== undefined;
