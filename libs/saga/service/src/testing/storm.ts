import { isStarted, type CallResult, type ResolveIncident, type Run } from '@downbeat/saga-domain';
import {
  call,
  child,
  delay,
  fixedCall,
  joining,
  parallel,
  signalWait,
} from '@downbeat/saga-domain/testing';
import { workflowIdOf } from '../engine/workflow-id';
import { EngineBench, type BenchReplica } from './engine-bench';
import type { MadeCall } from './fake-services';
import type { Fate } from './faulty-store';
import { Seeded } from './seeded';

const RUNS = 6;
const TURN_MS = 250;
const STORM_TURNS = 60;
const CALM_TURNS_MAX = 2_000;

/** A process died here; what stands behind the line never happens. */
class Died extends Error {}

/**
 * Several replicas in bad weather: appends that are lost, committed without an answer or late;
 * processes that die at any crash point or fall silent; services that refuse, time out and are slow.
 * Then the weather clears, and everything has to come to its end.
 */
export class Storm {
  readonly bench: EngineBench;
  readonly correlationIds = Array.from({ length: RUNS }, (_, index) => `c${index}`);
  private readonly chance: Seeded;
  private readonly silent = new Map<BenchReplica, number>();
  private readonly dead = new Set<BenchReplica>();
  private isStormy = true;

  constructor(seed: number, advance: (ms: number) => Promise<void>) {
    this.chance = new Seeded(seed);
    this.bench = new EngineBench(advance);
    this.bench.chance = () => this.chance.next();
    this.bench.services.answerTo = (made) => this.answer(made);
    this.bench.onCrashPoint = (_, replica) => this.mayDie(replica);
  }

  async rage(): Promise<void> {
    await this.bench.register(this.workflow());
    await this.bench.register(this.other(), { name: 'other' });
    for (let replicas = 0; replicas < 3; replicas++) await this.join();
    for (let turn = 0; turn < STORM_TURNS; turn++) {
      if (turn < STORM_TURNS / 2) this.someoneStarts();
      if (this.chance.isLucky(0.05)) this.someoneCompensates();
      if (this.chance.isLucky(0.2)) this.someoneSignals(turn);
      if (this.chance.isLucky(0.1)) this.someonePauses();
      if (this.chance.isLucky(0.05)) this.fallSilent();
      await this.turn();
    }
    this.isStormy = false;
    for (let turn = 0; turn < CALM_TURNS_MAX && !this.isOver(); turn++) {
      if (turn % 8 === 0) this.operatorsHelp();
      await this.turn();
    }
    for (const { replica } of this.bench.replicas) await replica.abandon();
  }

  isOver(): boolean {
    return this.runs.every((id) => this.bench.ends(id).length > 0 && !this.isGoingOn(id));
  }

  /** With those that stand for a step of another. */
  get runs(): readonly string[] {
    const children = this.correlationIds.map((id) => `${workflowIdOf(id)}:sub`);
    return [...this.correlationIds, ...children.filter((id) => this.bench.events(id).length > 0)];
  }

  isGoingOn(correlationId: string): boolean {
    const isHeld = this.bench.holderOf(correlationId) !== undefined;
    return isHeld || this.isParked(correlationId) || this.isPaused(correlationId);
  }

  /** What stands for a step. */
  private other() {
    return this.chance.oneOf(
      [step('x'), step('y')],
      [step('x')],
      [fixedCall('x', { conditions: 'false' })],
    );
  }

  private workflow() {
    return this.chance.oneOf(
      [step('a'), child('sub'), step('b')],
      [step('a'), step('b'), { name: 'tell', type: 'publish', event: 'told' }, step('c')],
      [step('a'), parallel('both', [step('b'), step('c')], [step('d')]), step('e')],
      [step('a'), signalWait('go', { timeout_seconds: 20 }), step('b'), signalWait('go-on')],
      [joining('race', 'first', [step('a'), step('b')], [delay('rest', 1), step('c')]), step('d')],
      [step('a'), joining('settle', 'both', [step('b'), step('c')], [step('d')]), step('e')],
      [
        {
          name: 'each',
          type: 'map',
          items: '=[1, 2, 3, 4, 5]',
          max_items: 5,
          concurrency: 2,
          steps: [step('a'), step('b')],
        },
        step('c'),
      ],
      [step('a'), delay('rest', 2), call('b', { ...undo('b'), optional: true }), fixedCall('c')],
    );
  }

  private async join(): Promise<void> {
    const opened = await this.bench.open();
    opened.store.latencyMs = () => this.chance.oneOf(0, 0, 3, 20);
    opened.store.fateOf = () => this.fate();
  }

  private fate(): Fate {
    if (!this.isStormy || !this.chance.isLucky(0.25)) return 'stored';
    return this.chance.oneOf<Fate>('lost', 'unanswered', 'late', 'astray');
  }

  private get alive(): readonly BenchReplica[] {
    return this.bench.replicas.filter((one) => !this.dead.has(one));
  }

  private someone(): BenchReplica | undefined {
    return this.alive[this.chance.below(this.alive.length)];
  }

  private mayDie(replica: BenchReplica): void {
    if (this.dead.has(replica)) throw new Died();
    if (!this.isStormy || !this.chance.isLucky(0.01)) return;
    this.dead.add(replica);
    void this.bench.crash(replica);
    throw new Died();
  }

  private fallSilent(): void {
    const someone = this.someone();
    if (someone) this.silent.set(someone, Date.now() + this.chance.below(6_000));
  }

  private async turn(): Promise<void> {
    while (this.alive.length < 3) await this.join();
    for (const one of this.alive) {
      if ((this.silent.get(one) ?? 0) > Date.now()) continue;
      await one.replica.renew();
      void one.replica.takeOver().catch(() => undefined); // Tried again at the next turn.
    }
    await this.bench.pass(TURN_MS);
  }

  /** The bus brings a command again, anywhere, until it is accepted; sometimes oftener. */
  private someoneStarts(): void {
    const someone = this.someone();
    const id = this.correlationIds[this.chance.below(RUNS)];
    if (!someone || id === undefined) return;
    const commandId = this.chance.isLucky(0.7) ? `start-${id}` : `again-${id}`;
    void this.insist(() => this.bench.start(someone, id, { commandId }));
  }

  private someoneCompensates(): void {
    const someone = this.someone();
    const id = this.correlationIds[this.chance.below(RUNS)];
    if (someone && id !== undefined) void this.insist(() => this.bench.compensate(someone, id));
  }

  /** Most of them more than once, as a sender does that was not answered. */
  private someoneSignals(turn: number): void {
    const someone = this.someone();
    const id = this.correlationIds[this.chance.below(RUNS)];
    const signal = this.chance.oneOf('go', 'go-on');
    if (!someone || id === undefined) return;
    const commandId = `${signal}-${id}-${this.chance.isLucky(0.7) ? 0 : turn}`;
    void this.insist(() => this.bench.signal(someone, id, signal, commandId));
  }

  private someonePauses(): void {
    const someone = this.someone();
    const id = this.runs[this.chance.below(this.runs.length)];
    if (!someone || id === undefined) return;
    const isEnough = this.isPaused(id);
    void this.insist(() =>
      isEnough ? this.bench.resume(someone, id) : this.bench.pause(someone, id),
    );
  }

  private operatorsHelp(): void {
    for (const id of this.runs) {
      const someone = this.someone();
      if (!someone) return;
      if (this.bench.events(id).length === 0) void this.insist(() => this.bench.start(someone, id));
      if (this.isAwaiting(id)) {
        const commandId = `help-${id}-${Date.now()}`;
        for (const signal of ['go', 'go-on'])
          void this.insist(() => this.bench.signal(someone, id, signal, `${signal}-${commandId}`));
      }
      if (this.isPaused(id)) void this.insist(() => this.bench.resume(someone, id));
      else if (this.isParked(id)) void this.insist(() => this.seeTo(someone, id));
    }
  }

  /** Mostly by another try; some give an undo up, or have done it themselves. */
  private seeTo(someone: BenchReplica, id: string): Promise<unknown> {
    const action = this.chance.oneOf<ResolveIncident['data']['action'] | undefined>(
      undefined,
      'retry',
      'retry',
      'skip',
      'done_by_hand',
    );
    if (action === undefined) return this.bench.retry(someone, id);
    return this.bench.resolve(someone, id, action);
  }

  private isAwaiting(id: string): boolean {
    const steps = this.runOf(id)?.steps.values() ?? [];
    return [...steps].some(({ status }) => status === 'awaiting');
  }

  private isParked(id: string): boolean {
    return this.runOf(id)?.incident !== undefined;
  }

  private isPaused(id: string): boolean {
    return this.runOf(id)?.pause !== undefined;
  }

  private runOf(id: string): Run | undefined {
    const state = this.bench.stateOf(id);
    return isStarted(state) ? state : undefined;
  }

  /** Who is not answered asks again later, or never. */
  private async insist(ask: () => Promise<unknown>): Promise<void> {
    await ask().catch(() => undefined);
  }

  private async answer({ purpose }: MadeCall): Promise<CallResult> {
    const waitMs = this.chance.oneOf(0, 5, 40, 300);
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const isFine = this.chance.isLucky(this.isStormy ? 0.7 : 0.95);
    if (isFine) return { kind: 'ok', output: {} };
    if (purpose === 'undo') return this.chance.oneOf<CallResult>(BUSY, LOST);
    return this.chance.oneOf<CallResult>(BUSY, LOST, REFUSED, NOBODY);
  }
}

const retry_policy = { max_retries: 2, initial_delay_ms: 100, jitter: 0.5 };
const undo = (name: string) => ({
  retry_policy,
  compensation_action: { service_name: name, endpoint: '/undo', retry_policy },
});
const step = (name: string) => call(name, undo(name));

const BUSY: CallResult = { kind: 'answer', status: 503, message: 'busy' };
const LOST: CallResult = { kind: 'timeout', message: 'no answer' };
const REFUSED: CallResult = { kind: 'answer', status: 409, message: 'sold out' };
const NOBODY: CallResult = { kind: 'refused', message: 'nobody there' };
