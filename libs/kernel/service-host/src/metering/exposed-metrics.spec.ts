import { BusMetrics } from '@downbeat/message-bus';
import { Registry } from 'prom-client';
import { HostLifecycle } from '../runtime/host-lifecycle';
import { exposeMetrics } from './exposed-metrics';

describe('what a scrape sees', () => {
  const finds = { lost: 2 };
  const registry = new Registry();
  const bus = new BusMetrics();
  const lifecycle = new HostLifecycle();
  let unsent: { readonly unsent?: number } = { unsent: 2 };
  lifecycle.watch({
    context: 'registry',
    status: () => ({
      context: 'registry',
      database: 'reachable',
      projections: [],
      reactors: { 'registry-tests': { applied: 9, gaps: 0, halvings: 3 } },
      relay: { numbered: 7, sent: 5, ...unsent, finds },
    }),
  } as never);
  exposeMetrics('heart', registry, bus, lifecycle);
  const scrape = () => registry.metrics();

  it('what only grows is a counter, as much as has been counted', async () => {
    bus.deliveries = 4;
    await scrape();
    bus.deliveries = 5;
    const text = await scrape();
    expect(text).toContain('# TYPE downbeat_bus_deliveries_total counter');
    expect(text).toContain('downbeat_bus_deliveries_total{service="heart"} 5');
    expect(text).toContain('# TYPE downbeat_relay_finds_total counter');
    expect(text).toMatch(/^downbeat_relay_finds_total{.*kind="lost".*} 2$/m);
    expect(text).toMatch(/^downbeat_reactor_halvings_total{.*consumer="registry-tests".*} 3$/m);
  });

  it('what goes up and down is a gauge', async () => {
    bus.handling = 3;
    await scrape();
    bus.handling = 1;
    const text = await scrape();
    expect(text).toContain('# TYPE downbeat_bus_handling gauge');
    expect(text).toContain('downbeat_bus_handling{service="heart"} 1');
    expect(text).toContain('# TYPE downbeat_bus_waiting gauge');
    expect(text).toMatch(/^downbeat_relay_unsent{.*} 2$/m);
    unsent = {};
    expect(await scrape()).not.toMatch(/^downbeat_relay_unsent{/m);
  });

  it('no counter is without its ending, and no gauge has it', async () => {
    for (const [, name, type] of (await scrape()).matchAll(/^# TYPE (\S+) (\w+)$/gm))
      expect([name, name?.endsWith('_total')]).toEqual([name, type === 'counter']);
  });
});
