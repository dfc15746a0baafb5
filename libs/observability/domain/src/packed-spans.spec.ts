import { packedSpans } from './packed-spans';
import type { SpansOfResource } from './span';
import { someSpan } from './testing/some-span';

const of = (service_name: string, count: number): SpansOfResource => ({
  service_name,
  spans: Array.from({ length: count }, (_, at) => someSpan(at + 1)),
});
const packed = (resources: readonly SpansOfResource[], bytes = 1) =>
  packedSpans(resources, () => bytes).map((batch) => batch.map(({ service_name }) => service_name));

it('parts of traces become as few batches as hold them', () => {
  expect(packed([])).toEqual([]);
  expect(packed([of('a', 400), of('b', 600), of('c', 1)])).toEqual([['a', 'b'], ['c']]);
  expect(packed([of('a', 1), of('b', 1), of('c', 1)], 300_000)).toEqual([['a', 'b'], ['c']]);
});
