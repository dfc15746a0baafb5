import { MessageTooLarge, type MessageBus } from '@downbeat/message-bus';
import { SystemClock } from '@downbeat/service-host';
import { Ingest } from './ingest';

describe('a batch', () => {
  it('that NATS does not take is refused, and the others are kept', async () => {
    const command = jest
      .fn()
      .mockRejectedValueOnce(new MessageTooLarge('command.observability.RecordSpans.x'))
      .mockResolvedValue({ accepted: true });
    const ingest = new Ingest({ command } as unknown as MessageBus, new SystemClock());
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
      rejected: 4,
      message: expect.stringContaining('larger than the server takes') as string,
    });
    expect(command).toHaveBeenCalledTimes(2);
  });
});
