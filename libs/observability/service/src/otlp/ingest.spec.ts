import { MessageTooLarge, type MessageBus } from '@downbeat/message-bus';
import { SystemClock } from '@downbeat/service-host';
import { SpanCounts } from '../sampling/span-counts';
import type { TailSampling } from '../sampling/tail-sampling';
import { Ingest } from './ingest';
import { SpanRecorder } from './span-recorder';

describe('a batch', () => {
  it('that NATS does not take is refused, and the others are kept', async () => {
    const command = jest
      .fn()
      .mockRejectedValueOnce(new MessageTooLarge('command.observability.RecordSpans.x'))
      .mockResolvedValue({ accepted: true });
    const counts = new SpanCounts();
    const sampling = {
      sampled: (kept: object) => ({ kept, undecided: [] }),
      hold: () => 0,
    } as unknown as TailSampling;
    const recorder = new SpanRecorder({ command } as unknown as MessageBus);
    const ingest = new Ingest(recorder, sampling, counts, new SystemClock());
    const span = {
      trace_id: '1',
      span_id: '1',
      operation_name: 'x',
      span_kind: 'internal',
    } as const;
    const of = (count: number) => [
      { service_name: 'shop', spans: Array(count).fill({ ...span, start_us: 1, duration_us: 1 }) },
    ];
    expect(await ingest.take({ batches: [of(3), of(2)], rejected: 1 })).toEqual({
      ...{ kept: 2, undecided: 0, rejected: 4 },
      message: expect.stringContaining('larger than the server takes') as string,
    });
    expect(command).toHaveBeenCalledTimes(2);
    expect(counts).toMatchObject({ received: 6, kept: 2, refused: 4, sampledAway: 0, putOff: 0 });
  });
});
