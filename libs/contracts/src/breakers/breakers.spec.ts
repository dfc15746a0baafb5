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

  it('is of the service whose process sent it, when its id says which one that is', () => {
    const of = (holder: string) =>
      reportBreakers.data.safeParse({ ...reportBreakers.example, holder });
    for (const holder of ['shop.1', 'shop.1:2', 'shop-1', '10.0.0.7', 'billing'])
      expect([holder, of(holder).success]).toEqual([holder, true]);
    expect(of('billing.shop').error?.issues).toMatchObject([
      { path: ['breakers', 0, 'service_name'], message: 'must be billing, as in the holder' },
    ]);
  });
});
