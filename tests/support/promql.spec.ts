import { readQuery } from './promql';

describe('a query', () => {
  it.each([
    ['up', [['up', {}]], []],
    [
      'sum(rate(a_total{x="1", y=~"2|3"}[5m])) / sum(rate(b_total[$__rate_interval]))',
      [
        ['a_total', { x: '1', y: '2|3' }],
        ['b_total', {}],
      ],
      [],
    ],
    [
      'histogram_quantile(0.95, sum by (le, kind) (rate(c_bucket[1h])))',
      [['c_bucket', {}]],
      ['le', 'kind'],
    ],
    [
      'max by (context) (d) > 500\nor max by (context) (e) > 0',
      [
        ['d', {}],
        ['e', {}],
      ],
      ['context', 'context'],
    ],
    ['process_resident_memory_bytes > 420e6', [['process_resident_memory_bytes', {}]], []],
    [
      'absent(f{service="x"}) or absent(f{service="y"})',
      [
        ['f', { service: 'x' }],
        ['f', { service: 'y' }],
      ],
      [],
    ],
    ['1 - min by (projection) (g)', [['g', {}]], ['projection']],
  ])('%j', (expression, readings, groupings) => {
    const query = readQuery(expression);
    expect(
      query.readings.map(({ metric, matchers }) => [metric, Object.fromEntries(matchers)]),
    ).toEqual(readings);
    expect(query.groupings).toEqual(groupings);
  });

  it('that reads nothing is none', () => {
    expect(() => readQuery('vector(1)')).toThrow(SyntaxError);
  });
});
