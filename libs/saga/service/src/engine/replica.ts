import type { HeldStream, Leases } from '@downbeat/event-store';
import { newId, Periodic } from '@downbeat/service-host';
import { Logger } from '@nestjs/common';
import type { CrashPoints } from './crash-points';
import { ReplicaLease } from './replica-lease';
import type { RunEngine } from './run-engine';

const LEASE_MS = 3_000;
const RENEW_EVERY_MS = 750;
const TAKE_OVER_EVERY_MS = 500;
const TAKEN_OVER_MAX = 200;
/** Each turn. */
const TAKEN_OVER_WHEN_FULL = 1;
/** Every so many turns the runs we hold are compared with those we have open. */
const COMPARE_EVERY_TURNS = 30;

/**
 * This process among the replicas: it says that it is alive, and takes over what others left behind.
 * When it was silent for too long it begins a new life: what it held is others'.
 */
export class Replica {
  /** Stays the same over all lives, so that others can ask this process by it. */
  readonly process = newId();
  private readonly logger = new Logger(Replica.name);
  private readonly renewing = new Periodic('renewing the lease', RENEW_EVERY_MS, () =>
    this.renew(),
  );
  private readonly takingOver = new Periodic('taking runs over', TAKE_OVER_EVERY_MS, () =>
    this.takeOver(),
  );
  private lease: ReplicaLease | undefined;
  private lives = 0;
  private takenOver = 0;
  private swept = 0;
  private turns = 0;
  /** A take-over was asked for, and what it gave us is not known. */
  private mayHoldMore = false;

  constructor(
    private readonly leases: Leases,
    private readonly engine: RunEngine,
    private readonly crashPoints: CrashPoints,
  ) {}

  status() {
    return {
      owner: this.lease?.owner ?? '',
      is_sure: this.lease?.isSure ?? false,
      lives: this.lives,
      taken_over: this.takenOver,
      swept: this.swept,
      ...this.engine.status(),
    };
  }

  /** Comes to life; what others left behind is taken over by and by. */
  async start(): Promise<void> {
    await this.renew();
    this.renewing.start();
    this.takingOver.start({ atOnce: true });
  }

  /** Stays alive until its last call is answered, then leaves at once what is left. */
  async stop(): Promise<void> {
    await this.takingOver.stop();
    await this.engine.stop();
    await this.abandon();
    if (this.lease) await this.leases.resign(this.lease.owner);
  }

  /** Falls silent, as a process does that was killed. */
  async abandon(): Promise<void> {
    await Promise.all([this.takingOver.stop(), this.renewing.stop()]);
    this.engine.abandon();
  }

  async renew(): Promise<void> {
    const { lease } = this;
    const askedAt = performance.now();
    if (!lease) return this.begin();
    if (await this.leases.renew(lease.owner, LEASE_MS)) return lease.renewed(askedAt, LEASE_MS);
    this.logger.warn({ owner: lease.owner }, 'the lease ran out; others hold the runs now');
    lease.end();
    this.lease = undefined;
    this.engine.abandon();
    await this.begin();
  }

  async takeOver(): Promise<void> {
    const { lease } = this;
    if (!lease) return;
    if (this.mayHoldMore || ++this.turns % COMPARE_EVERY_TURNS === 0) await this.compare(lease);
    // A run that is held here may wait for one that nobody holds: a full process takes a little all the same.
    const first = Math.max(this.engine.room, TAKEN_OVER_WHEN_FULL);
    for (let room = first; room > 0; room = this.engine.room) {
      const askedMax = Math.min(room, TAKEN_OVER_MAX);
      const held = await this.claim(lease, askedMax);
      await this.engine.resume(held, lease);
      if (held.length < askedMax) return this.engine.keepRoom(false);
    }
    // There may be more of them: they were accepted before what comes now.
    this.engine.keepRoom(true);
  }

  private async begin(): Promise<void> {
    const lease = new ReplicaLease(ownerOf(this.process, ++this.lives));
    const askedAt = performance.now();
    await this.leases.renew(lease.owner, LEASE_MS);
    lease.renewed(askedAt, LEASE_MS);
    this.lease = lease;
    this.engine.begin(lease);
  }

  private async claim(lease: ReplicaLease, max: number): Promise<readonly HeldStream[]> {
    this.mayHoldMore = true;
    const held = await this.leases.takeOver(lease.owner, max);
    this.mayHoldMore = false;
    if (held.length === 0) return held;
    this.takenOver += held.length;
    this.logger.warn({ runs: held.length }, 'took over runs of a replica that is gone');
    this.crashPoints.reached('take-over.after-claim');
    return held;
  }

  /**
   * Nothing that is ours may lie idle: a take-over whose answer was lost, a start that committed
   * late. A find that no lost answer explains is one of the safety net's, and is counted. And what
   * is not ours any more, by an end that committed late, is not kept.
   */
  private async compare(lease: ReplicaLease): Promise<void> {
    const isExpected = this.mayHoldMore;
    const found = await this.engine.compare(lease);
    this.mayHoldMore = false;
    if (isExpected || found === 0) return;
    this.swept += found;
    this.logger.error({ runs: found }, 'held runs that nobody had open');
  }
}

/** `<process>.<life>`; the names of two lives never meet. */
const ownerOf = (process: string, life: number): string => `${process}.${life}`;

/** The process that an owner is a life of. */
export const processOf = (owner: string): string => owner.slice(0, owner.lastIndexOf('.'));
