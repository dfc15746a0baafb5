import { healthContract, type DataOf } from '@downbeat/contracts';
import { instantOf } from '@downbeat/eventsourcing';
import type { TargetReport } from '@downbeat/resilience';
import type { NatsLink } from '../../nats/nats-link';
import { commandSuite } from '../../nats/suite-requests';
import { Turns } from '../../turns';

const { reportCalls } = healthContract;
type Report = DataOf<typeof reportCalls>;

const TELL_EVERY_MS = 500;
const OUTCOME_TIMEOUT_MS = 1_000;
/** What is older counts for nothing. */
const STALE_MS = 10_000;
const WAITING_MAX = STALE_MS / TELL_EVERY_MS;
const WINDOW_MS_MAX = 60_000;
const INSTANCES_MAX = 200;
const COUNT_MAX = 1_000_000;
const TEXT_LENGTH_MAX = 200;

export interface CallTellingPorts {
  /** What happened at each target since it was last asked. */
  readonly tell: () => Iterable<TargetReport>;
  /** Of reports that were dropped, since nobody heard them in time; told when somebody hears again. */
  readonly onLost: (reports: number) => void;
  readonly onDefect: (defect: unknown) => void;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/**
 * Tells the health context how calls to instances ended, so that one that fails is noticed before its next
 * check. While all calls go well there is nothing to tell. Bounded: ten seconds of it, then the oldest go.
 */
export class CallTelling {
  private readonly turns: Turns;
  private readonly waiting: { readonly report: Report; readonly sinceMs: number }[] = [];
  private readonly failures = new Map<string, string>();
  private gatheredMs: number;
  private lost = 0;

  constructor(
    private readonly ports: CallTellingPorts,
    private readonly reporter: string,
    private readonly actor: string,
    private readonly link: NatsLink,
  ) {
    this.gatheredMs = ports.now();
    this.turns = new Turns(TELL_EVERY_MS, () => this.turn(), ports.onDefect);
  }

  start(): void {
    this.turns.start();
  }

  async stop(): Promise<void> {
    await this.turns.stop();
  }

  /** An attempt at an instance failed: the last one of a stretch of time is told. */
  failed(instanceId: string, failure: unknown): void {
    this.failures.set(instanceId, textOf(failure));
  }

  private async turn(): Promise<void> {
    this.gather();
    while (this.waiting.length > 0) {
      const [oldest] = this.waiting;
      if (!oldest) return;
      if (this.ports.now() - oldest.sinceMs > STALE_MS) this.drop();
      else if (await this.isHeard(oldest.report)) this.waiting.shift();
      else return;
    }
    if (this.lost === 0) return;
    this.ports.onLost(this.lost);
    this.lost = 0;
  }

  private gather(): void {
    const now = this.ports.now();
    const window_ms = Math.min(WINDOW_MS_MAX, Math.max(1, Math.round(now - this.gatheredMs)));
    this.gatheredMs = now;
    const instances = [...countsOf(this.ports.tell())]
      .filter(([, { failed }]) => failed > 0)
      .sort(([, one], [, other]) => other.failed - one.failed)
      .slice(0, INSTANCES_MAX)
      .map(([instance_id, { ok, failed }]) => ({
        instance_id,
        ok: Math.min(ok, COUNT_MAX),
        failed: Math.min(failed, COUNT_MAX),
        last_failure: this.failures.get(instance_id) ?? 'no answer',
      }));
    this.failures.clear();
    if (instances.length === 0) return;
    const { reporter } = this;
    const report = { reporter, reported_at: instantOf(Date.now()), window_ms, instances };
    this.waiting.push({ report, sinceMs: now });
    if (this.waiting.length > WAITING_MAX) this.drop();
  }

  private drop(): void {
    this.waiting.shift();
    this.lost++;
  }

  private async isHeard(report: Report): Promise<boolean> {
    const { reporter: subjectId, actor } = this;
    const ids = { subjectId, actor, commandId: `${subjectId}:${report.reported_at}` };
    const outcome = await commandSuite(this.link, reportCalls, ids, report, OUTCOME_TIMEOUT_MS);
    if (outcome.kind === 'unheard' || (outcome.kind === 'refused' && outcome.isPassing))
      return false;
    if (outcome.kind === 'refused')
      this.ports.onDefect(new Error(`the suite refused a report of calls: ${outcome.code}`));
    return true;
  }
}

/** Of registered instances: an address of a whole service is none, and has a colon in its id. */
function countsOf(reports: Iterable<TargetReport>) {
  const counts = new Map<string, { ok: number; failed: number }>();
  for (const { endpoints } of reports)
    for (const { id, ok, failed } of endpoints) {
      if (id.startsWith('service:')) continue;
      const known = counts.get(id);
      counts.set(id, { ok: ok + (known?.ok ?? 0), failed: failed + (known?.failed ?? 0) });
    }
  return counts;
}

/** In one line, for people. */
function textOf(failure: unknown): string {
  const isObject = typeof failure === 'object' && failure !== null;
  if (isObject && 'status' in failure && typeof failure.status === 'number')
    return `HTTP ${failure.status}`;
  const said = failure instanceof Error ? failure.message : String(failure);
  const line = said.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  // A report with half of a pair would be refused.
  return line.slice(0, TEXT_LENGTH_MAX).replace(/\p{Cs}$/u, '') || 'failed';
}
