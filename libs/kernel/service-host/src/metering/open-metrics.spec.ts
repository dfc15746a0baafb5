import { Counter, Gauge, Registry } from 'prom-client';
import { asksForOpenMetrics } from './asked-format';
import { Durations } from './durations';
import { openMetricsText, type Family } from './open-metrics';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = (flags: string) => `00-${TRACE}-00f067aa0ba902b7-${flags}`;

describe('metrics as OpenMetrics', () => {
  let registry: Registry;
  beforeEach(() => {
    registry = new Registry();
    registry.setDefaultLabels({ service: 'heart' });
  });
  const text = async () =>
    openMetricsText((await registry.getMetricsAsJSON()) as unknown as readonly Family[]);

  it('names a counter without the ending that its samples have', async () => {
    const counter = new Counter({
      registers: [registry],
      name: 'beats_total',
      help: 'Of a "heart"',
    });
    counter.inc(3);
    expect(await text()).toBe(
      '# TYPE beats counter\n# HELP beats Of a \\"heart\\"\nbeats_total{service="heart"} 3\n# EOF\n',
    );
  });

  it('leaves the registry as it was, for whoever asks for the other text', async () => {
    new Counter({ registers: [registry], name: 'beats_total', help: 'beats' }).inc();
    const before = await registry.metrics();
    await text();
    expect(await registry.metrics()).toBe(before);
  });

  it('writes bounds as floats, and numbers that are none', async () => {
    const durations = new Durations(registry, {
      name: 'beat_seconds',
      help: 'a beat',
      labelNames: [],
      buckets: [0.5, 1],
    });
    durations.tookMs({}, 700);
    new Gauge({ registers: [registry], name: 'pressure', help: 'none' }).set(Number.NaN);
    const written = await text();
    expect(written).toContain('beat_seconds_bucket{le="0.5",service="heart"} 0\n');
    expect(written).toContain('beat_seconds_bucket{le="1.0",service="heart"} 1\n');
    expect(written).toContain('beat_seconds_bucket{le="+Inf",service="heart"} 1\n');
    expect(written).toContain('beat_seconds_count{service="heart"} 1\n');
    expect(written).toContain('pressure{service="heart"} NaN\n');
  });

  it('shows the trace of a value beside the bucket it fell in, if somebody keeps that trace', async () => {
    const durations = new Durations(registry, {
      name: 'beat_seconds',
      help: 'a beat',
      labelNames: ['side'],
      buckets: [0.5, 1],
    });
    durations.tookMs({ side: 'left' }, 700, traceparent('01'));
    durations.tookMs({ side: 'left' }, 100, traceparent('00'));
    const examples = (await text()).split('\n').filter((line) => line.includes(' # '));
    expect(examples).toEqual([
      expect.stringMatching(
        new RegExp(`le="1.0".* 2 # \\{trace_id="${TRACE}"\\} 0\\.7 \\d+(\\.\\d+)?$`),
      ),
    ]);
    expect(await registry.metrics()).not.toContain(TRACE);
  });

  it('keeps text with quotes and line breaks in one line', async () => {
    const gauge = new Gauge({
      registers: [registry],
      name: 'odd',
      help: 'a\nb',
      labelNames: ['what'],
    });
    gauge.set({ what: 'a"b\\c\nd' }, 1);
    expect(await text()).toContain(
      '# HELP odd a\\nb\nodd{what="a\\"b\\\\c\\nd",service="heart"} 1',
    );
  });
});

describe('who scrapes', () => {
  it.each([
    ['application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', true],
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', true],
    ['text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5', false],
    ['application/openmetrics-text;q=0', false],
    ['application/openmetrics-text;q=nonsense', false],
    ['*/*', false],
    ['', false],
    [undefined, false],
  ])('with %s', (accept, isAsked) => {
    expect(asksForOpenMetrics(accept)).toBe(isAsked);
  });
});
