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
const call = (name: string, ms: number, outcome: CallRecord['outcome'] = 'applied') =>
  ({ key: `${RUN}:${name}`, at: at(ms), monotonic_ns: String(ms), outcome }) as CallRecord;

const done = (step: string, ms: number) => event('StepCompleted', ms, { step });
const undone = (step: string, ms: number) => event('StepCompensated', ms, { step });
const events = [
  done('a', 10),
  done('b', 20),
  undone('b', 30),
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
});
