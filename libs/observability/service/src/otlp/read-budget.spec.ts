import { jsonRequest } from './json-request';
import { protobufRequest } from './protobuf-request';
import { ReadBudget } from './read-budget';

/** Messages that say nothing, one behind the other, each as field `number`. */
const empty = (number: number, count: number): Buffer =>
  Buffer.alloc(2 * count, Buffer.from([(number << 3) | 2, 0]));
const within = (number: number, content: Buffer): Buffer => {
  const length: number[] = [];
  for (let left = content.length; ; left >>>= 7) {
    if (left < 128) {
      length.push(left);
      break;
    }
    length.push((left & 127) | 128);
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content]);
};
const spans = (content: Buffer): Buffer => within(1, within(2, content));
const inJson = (list: readonly object[]): string =>
  JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: list }] }] });
const many = (count: number): readonly object[] => Array<object>(count).fill({});
const tooMuch = expect.objectContaining({ status: 413 }) as Error;

describe('of one request', () => {
  it.each<[string, (budget: ReadBudget) => unknown]>([
    ['protobuf', (budget) => protobufRequest(spans(empty(2, 500_000)), budget)],
    ['JSON', (budget) => jsonRequest(inJson(many(500_000)), budget)],
  ])('no more than 20,000 spans are read: %s', (_, read) => {
    const budget = new ReadBudget();
    expect(() => read(budget)).toThrow(tooMuch);
    expect(() => read(new ReadBudget())).toThrow(/more than 20000 spans.*fewer/);
    expect(budget.spent.spans).toBeLessThanOrEqual(20_000);
    expect(budget.spent.parts).toBeLessThan(100_000);
  });

  it.each<[string, (budget: ReadBudget) => unknown]>([
    ...([9, 11, 13, 15] as const).map(
      (field) =>
        [
          `field ${field} of a span`,
          (budget: ReadBudget) =>
            protobufRequest(spans(within(2, empty(field, 1_000_000))), budget),
        ] as [string, (budget: ReadBudget) => unknown],
    ),
    [
      'values of a list',
      (budget) =>
        protobufRequest(
          spans(within(2, within(9, within(2, within(5, empty(1, 1_000_000)))))),
          budget,
        ),
    ],
    ['resources', (budget) => protobufRequest(empty(1, 1_000_000), budget)],
    ['events in JSON', (budget) => jsonRequest(inJson([{ events: many(1_000_000) }]), budget)],
    ['keys in JSON', (budget) => jsonRequest(inJson([{ x: many(1_000_000) }]), budget)],
  ])('no more parts are read than a large request has: %s', (_, read) => {
    const budget = new ReadBudget();
    expect(() => read(budget)).toThrow(tooMuch);
    expect(budget.spent.parts).toBeLessThanOrEqual(400_000);
  });

  it('what a collector sends is read', () => {
    const attributes = Array.from({ length: 10 }, (_, at) => ({
      key: `key-${at}`,
      value: { stringValue: 'x' },
    }));
    expect(jsonRequest(inJson(Array<object>(5_000).fill({ attributes })))[0]?.spans).toHaveLength(
      5_000,
    );
    expect(protobufRequest(spans(empty(2, 20_000)))[0]?.spans).toHaveLength(20_000);
  });
});
