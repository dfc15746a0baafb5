import { instantOf, type RecordedEvent } from '@downbeat/eventsourcing';
import type { FlowEvent, ProducedMessage, SettledMessage } from '@downbeat/messaging-domain';
import { messageTable } from './message.table';
import { receiptTable } from './receipt.table';

const at = instantOf(1_000_000);
const batch = { batch_id: 'b', stream_created: 'life-1', at };
const message = (sequence: number, id = 'm-1'): ProducedMessage => ({
  ...{ key: `orders/shop/${id}`, queue_name: 'orders', producer: 'shop', message_id: id },
  ...{ priority: 'normal', type: 'orders', bytes: 10, sequence, published_at: at },
});
const produced = (...messages: ProducedMessage[]): FlowEvent => ({
  type: 'MessagesProduced',
  data: { ...batch, messages },
});
const told = (more: Partial<SettledMessage>): FlowEvent => ({
  type: 'MessagesSettled',
  data: {
    ...batch,
    messages: [
      {
        ...{ key: 'orders/shop/m-1', queue_name: 'orders', service_name: 'stock', sequence: 1 },
        ...{ outcome: 'consumed', deliveries: 1, at },
        ...more,
      },
    ],
  },
});

type AnyTable = typeof messageTable | typeof receiptTable;
function rowsAfter(table: AnyTable, events: readonly FlowEvent[]): Record<string, unknown>[] {
  const rows = new Map<string, never>();
  for (const event of events) {
    const change = table.on[event.type] as never as {
      keys: (e: unknown) => readonly string[];
      fold: (row: unknown, e: unknown, key: string) => never;
    } & string;
    if (change === 'ignore') continue;
    const recorded = event as unknown as RecordedEvent;
    for (const key of change.keys(recorded)) {
      const row = change.fold(rows.get(key), recorded, key);
      if (row === undefined) rows.delete(key);
      else rows.set(key, row);
    }
  }
  return [...rows.values()];
}

describe('a message', () => {
  it('is one, seen twice at the same place, and a copy at another', () => {
    expect(
      rowsAfter(messageTable, [produced(message(1), message(1)), produced(message(1))]),
    ).toEqual([expect.objectContaining({ copies: 1, is_copied: 'no' })]);
    expect(rowsAfter(messageTable, [produced(message(1)), produced(message(7))])).toEqual([
      expect.objectContaining({ copies: 2, is_copied: 'yes', sequence: 7 }),
    ]);
  });

  it('stays when only what became of an earlier one of its key is forgotten', () => {
    const forgotten = (more: object): FlowEvent => ({
      type: 'MessagesForgotten',
      data: { ...batch, messages: [{ key: 'orders/shop/m-1', services: ['stock'], ...more }] },
    });
    expect(
      rowsAfter(messageTable, [produced(message(1)), forgotten({ is_only_receipts: true })]),
    ).toHaveLength(1);
    expect(rowsAfter(receiptTable, [told({}), forgotten({ is_only_receipts: true })])).toEqual([]);
    expect(rowsAfter(messageTable, [produced(message(1)), forgotten({})])).toEqual([]);
  });
});

describe('what became of a message', () => {
  const outcomes = (...events: FlowEvent[]) =>
    rowsAfter(receiptTable, events).map(({ outcome }) => outcome);
  const dead = told({ outcome: 'dead_letter', deliveries: 3, error: 'no', dead_letter_id: 'd' });

  it('counts once, however often it is told', () =>
    expect(outcomes(told({}), told({ deliveries: 4, sequence: 9 }))).toEqual(['consumed']));

  it('is a dead letter although it is acknowledged then', () =>
    expect(outcomes(dead, told({}), told({ is_redriven: true }))).toEqual(['dead_letter']));

  it('is consumed when it was sent again and handled', () =>
    expect(outcomes(dead, told({ sequence: 9, is_redriven: true }))).toEqual(['consumed']));

  it('is a dead letter again when it fails again', () => {
    const again = told({ outcome: 'dead_letter', sequence: 9 });
    expect(outcomes(dead, again, told({ sequence: 9, is_redriven: true }))).toEqual([
      'dead_letter',
    ]);
  });

  it('stays consumed when somebody else gives up on a copy', () =>
    expect(outcomes(told({}), told({ outcome: 'dead_letter', sequence: 9 }))).toEqual([
      'consumed',
    ]));
});
