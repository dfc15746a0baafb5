import { setTimeout as pause } from 'node:timers/promises';
import type { BenchContext, Part } from '../bench-context';
import { cpuUs, peakRssMb, sumOf, treeCpuUs } from '../measure/proc';
import { percentile } from '../measure/statistics';
import { figure, type Figure } from '../report/figure';
import type { BenchSuite } from '../suite/bench-suite';
import type { LogCounts } from '../suite/log-counts';
import { AppendProbe } from '../traces/append-probe';
import { exportAtOnce, exportSteadily } from '../traces/exporters';
import { FORMS, requestOf, someSpans, TYPES, type Form } from '../traces/span-requests';

const SPANS_PER_S = 5_000;
const SECONDS = 20;
/** What an SDK hands over at once, and how long its traces are. */
const FLUSH_SPANS = 512;
const TRACE_SPANS = 8;
const QUIET_MS = 5_000;
const CAUGHT_UP_MS_MAX = 60_000;
const LOOK_EVERY_MS = 20;

const LARGE_TRACE_SPANS = 10_000;
const OPENINGS = 20;
const LARGE_BODY_SPANS = 5_000;
const LARGE_BODIES = 60;
const EXPORTERS = 20;

/** Spans as exporters send them: what is accepted is found again, and what that costs everybody. */
export const traces: Part = {
  name: 'traces',
  async run({ suite, counts }: BenchContext) {
    await suite.ensureApps();
    const probe = new AppendProbe(suite.postgres.url, suite.password);
    try {
      const bench = { suite, counts, probe };
      const figures: Figure[] = [];
      for (const form of FORMS) figures.push(...(await steadily(bench, form)));
      figures.push(...(await opened(bench)), ...(await large(bench)));
      return { figures };
    } finally {
      await probe.close();
    }
  },
};

interface Bench {
  readonly suite: BenchSuite;
  readonly counts: LogCounts;
  readonly probe: AppendProbe;
}

async function steadily({ suite, counts, probe }: Bench, form: Form): Promise<readonly Figure[]> {
  const flushes = Math.ceil((SPANS_PER_S * SECONDS) / FLUSH_SPANS);
  const bodies = Array.from({ length: flushes }, () =>
    requestOf(form, someSpans(FLUSH_SPANS, TRACE_SPANS)),
  );
  probe.start();
  await pause(QUIET_MS);
  const quietMs = await probe.stop();

  const before = await counts.spansShown();
  const cpuBefore = await cpuOf(suite);
  const { url } = suite.app('health');
  probe.start();
  const began = performance.now();
  const perSecond = SPANS_PER_S / FLUSH_SPANS;
  const { latenciesMs, putOff } = await exportSteadily(url, TYPES[form], bodies, perSecond);
  const seconds = (performance.now() - began) / 1_000;
  const busyMs = await probe.stop();
  const sent = flushes * FLUSH_SPANS;
  const shownAtEnd = (await counts.spansShown()) - before;
  const behindMs = await untilShown(counts, before + sent);
  const cpu = await cpuOf(suite);
  const perSpan = (name: keyof Cpu) => (cpu[name] - cpuBefore[name]) / sent;
  console.log(JSON.stringify({ benchmark: 'traces', form, sent, shownAtEnd, behindMs, putOff }));

  const of = (name: string, unit: string, value: number, target?: Figure['target']): Figure =>
    figure('traces', `${form}: ${name}`, unit, [value], target);
  return [
    of('spans committed', '1/s', sent / seconds, { atLeast: SPANS_PER_S * 0.95 }),
    of('export, p50', 'ms', percentile(latenciesMs, 0.5)),
    of('export, p99', 'ms', percentile(latenciesMs, 0.99)),
    of('flushes put off', '', putOff),
    of('spans not shown when the last was committed', '', sent - shownAtEnd),
    of('until all are shown', 'ms', behindMs),
    of('CPU per span, health', 'µs', perSpan('health')),
    of('CPU per span, Postgres', 'µs', perSpan('postgres')),
    of('CPU per span, NATS', 'µs', perSpan('nats')),
    of('append of another context, p99, without spans', 'ms', percentile(quietMs, 0.99)),
    of('append of another context, p99, with them', 'ms', percentile(busyMs, 0.99)),
  ];
}

/** Every span that was accepted is in the view, and none that was not. @throws {Error} */
async function untilShown(counts: LogCounts, wanted: number): Promise<number> {
  const began = performance.now();
  for (;;) {
    const shown = await counts.spansShown();
    if (shown === wanted) return performance.now() - began;
    if (shown > wanted || performance.now() - began > CAUGHT_UP_MS_MAX)
      throw new Error(`of ${wanted} spans that were accepted ${shown} are shown`);
    await pause(LOOK_EVERY_MS);
  }
}

async function opened({ suite, counts }: Bench): Promise<readonly Figure[]> {
  const spans = someSpans(LARGE_TRACE_SPANS, LARGE_TRACE_SPANS);
  const before = await counts.spansShown();
  const bodies = Array.from({ length: Math.ceil(spans.length / FLUSH_SPANS) }, (_, at) =>
    requestOf('protobuf', spans.slice(at * FLUSH_SPANS, (at + 1) * FLUSH_SPANS)),
  );
  await exportAtOnce(suite.app('health').url, TYPES.protobuf, bodies, 4);
  await untilShown(counts, before + LARGE_TRACE_SPANS);
  const latenciesMs: number[] = [];
  for (let opening = 0; opening < OPENINGS; opening++) {
    const began = performance.now();
    const found = await suite.request<{ trace: { span_count: number } }>(
      'GET',
      `/traces/${spans[0]?.traceId}`,
    );
    latenciesMs.push(performance.now() - began);
    if (found.trace.span_count !== LARGE_TRACE_SPANS)
      throw new Error(`of ${LARGE_TRACE_SPANS} spans ${found.trace.span_count} were opened`);
  }
  const title = `opening a trace of ${LARGE_TRACE_SPANS} spans`;
  return [
    figure('traces', `${title}, p50`, 'ms', [percentile(latenciesMs, 0.5)]),
    figure('traces', `${title}, p95`, 'ms', [percentile(latenciesMs, 0.95)], { atMost: 1_000 }),
  ];
}

/** The largest bodies that are taken, from many exporters at once: how much memory that needs. */
async function large({ suite, counts }: Bench): Promise<readonly Figure[]> {
  const { pid, url } = suite.app('health');
  const before = await counts.spansShown();
  const steadyMb = await peakRssMb(pid);
  const bodies = Array.from({ length: LARGE_BODIES }, () =>
    requestOf('JSON', someSpans(LARGE_BODY_SPANS, TRACE_SPANS)),
  );
  const putOff = await exportAtOnce(url, TYPES.JSON, bodies, EXPORTERS);
  await untilShown(counts, before + LARGE_BODIES * LARGE_BODY_SPANS);
  const megabytes = (bodies[0]?.length ?? 0) / 2 ** 20;
  const title = `${EXPORTERS} exporters, bodies of ${megabytes.toFixed(1)} MiB`;
  return [
    figure('traces', 'resident at most, health, steady', 'MB', [steadyMb]),
    figure('traces', `${title}: resident at most, health`, 'MB', [await peakRssMb(pid)]),
    figure('traces', `${title}: put off`, '', [putOff]),
  ];
}

interface Cpu {
  readonly health: number;
  readonly postgres: number;
  readonly nats: number;
}

const cpuOf = async (suite: BenchSuite): Promise<Cpu> => ({
  health: await cpuUs(suite.app('health').pid),
  postgres: sumOf(await treeCpuUs(suite.postgres.pid)),
  nats: await cpuUs(suite.nats.pid),
});
