import { endpointPattern, normalPattern } from './breaker-fields';
import { reportBreakers } from './breaker-reports';
import { createCircuitBreaker } from './breaker-control';

describe('a pattern of endpoints', () => {
  it.each([
    ['*', '*'],
    ['/**', '*'],
    ['orders/42/', '/orders/42'],
    ['//orders//42', '/orders/42'],
    ['GET orders/*', 'GET /orders/*'],
    ['GET  /orders/*?page=1', 'GET /orders/*'],
    ['GET', 'GET'],
    ['/GET', 'GET'],
  ])('%s is written as %s', (said, written) => {
    expect(normalPattern(said)).toBe(written);
    expect(normalPattern(written)).toBe(written);
    expect(endpointPattern.parse(said)).toBe(written);
  });

  it('is everything when nobody says more', () => {
    const { endpoint_pattern: _, ...example } = createCircuitBreaker.example;
    expect(createCircuitBreaker.data.parse(example).endpoint_pattern).toBe('*');
  });
});

describe('a report of breakers', () => {
  it('fits into one append', () => {
    const { breakers, ...report } = reportBreakers.example;
    const [one] = breakers;
    const transitions = Array.from({ length: 200 }, () => one?.transitions?.[0]);
    const held = (count: number) => Array.from({ length: count }, () => ({ ...one, transitions }));
    const isFine = (count: number) =>
      reportBreakers.data.safeParse({ ...report, breakers: held(count) }).success;
    expect([isFine(4), isFine(5)]).toEqual([true, false]);
  });

  it('has any holder that may be an instance', () => {
    const of = (holder: string) =>
      reportBreakers.data.safeParse({ ...reportBreakers.example, holder }).success;
    for (const holder of ['shop.1', 'shop.1:2', 'shop-1', '10.0.0.7', 'web1.internal', 'billing.1'])
      expect([holder, of(holder)]).toEqual([holder, true]);
  });

  it('that is sent in the name of a service tells of nobody else', () => {
    const data = reportBreakers.data.parse(reportBreakers.example);
    expect(reportBreakers.misfitsOf?.(data, 'shop')).toEqual([]);
    expect(reportBreakers.misfitsOf?.(data, 'billing')).toMatchObject([
      {
        field: 'breakers.0.service_name',
        message: expect.stringMatching(/^must be billing, as in/),
      },
    ]);
  });
});
