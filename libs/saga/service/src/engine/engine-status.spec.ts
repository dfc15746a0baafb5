import { MemoryMessageBus } from '@downbeat/message-bus/testing';
import { Probes } from '@downbeat/service-host';
import { Registry } from 'prom-client';
import { showEngine } from './engine-status';
import type { Replica } from './replica';

describe('what a scrape sees of the engine', () => {
  it('is a counter for what only grows, as much as has been counted', async () => {
    const metrics = new Registry();
    let takenOver = 4;
    const others = {
      ...{ troubled_runs: 0, calls_under_way: 0, calls_waiting: 0 },
      ...{ open_runs_max: 10, starts_turned_away: 0 },
    };
    const status = () => ({ ...others, open_runs: 3, taken_over: takenOver });
    const replica = { status } as never as Replica;
    showEngine(replica, { count: 0 }, new Probes(), metrics, new MemoryMessageBus());
    await metrics.metrics();
    takenOver = 5;
    const text = await metrics.metrics();
    expect(text).toContain('# TYPE downbeat_saga_runs_taken_over_total counter');
    expect(text).toMatch(/^downbeat_saga_runs_taken_over_total 5$/m);
    expect(text).toContain('# TYPE downbeat_saga_open_runs gauge');
  });
});
