import type { HeldStream, Leases } from '@downbeat/event-store';
import { newId, Periodic } from '@downbeat/service-host';
import { Logger } from '@nestjs/common';
import type { CrashPoints } from './crash-points';
import type { RunEngine } from './run-engine';

const LEASE_MS = 3_000;
const RENEW_EVERY_MS = 750;
const TAKEN_OVER_MAX = 200;

/**
 * One life of this process among the replicas: it says that it is alive, and takes over what others
 * left behind. When it was silent for too long it is a new one: what it held is others'.
 *
 * @see Cary Gray, David Cheriton, "Leases", SOSP 1989.
 */
export class Replica {
  private readonly logger = new Logger(Replica.name);
  private readonly periodic = new Periodic('renewing the lease', RENEW_EVERY_MS, () => this.turn());
  private name = '';
  private takenOver = 0;
  private unresumed: readonly HeldStream[] = [];

  constructor(
    private readonly leases: Leases,
    private readonly engine: RunEngine,
    private readonly crashPoints: CrashPoints,
    /** Told under which name this replica can be reached from now on. */
    private readonly onNamed: (owner: string) => void,
  ) {}

  get owner(): string {
    return this.name;
  }

  status(): { readonly owner: string; readonly open_runs: number; readonly taken_over: number } {
    return { owner: this.name, open_runs: this.engine.openRuns, taken_over: this.takenOver };
  }

  async start(): Promise<void> {
    await this.beginAnew();
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
    await this.engine.stop();
    await this.leases.resign(this.name);
  }

  private async beginAnew(): Promise<void> {
    this.name = newId();
    await this.leases.renew(this.name, LEASE_MS);
    this.engine.begin(this.name);
    this.onNamed(this.name);
  }

  private async turn(): Promise<void> {
    if (!(await this.leases.renew(this.name, LEASE_MS))) {
      this.logger.warn({ owner: this.name }, 'the lease ran out; others hold the runs now');
      this.engine.abandon();
      this.unresumed = [];
      await this.beginAnew();
    }
    const held = await this.leases.takeOver(this.name, TAKEN_OVER_MAX);
    if (held.length > 0) {
      this.takenOver += held.length;
      this.logger.warn({ runs: held.length }, 'took over runs of a replica that is gone');
      this.crashPoints.reached('take-over.after-claim');
    }
    await this.resume([...this.unresumed, ...held]);
  }

  /** What cannot be read now is tried again at the next turn: it is held by us all the same. */
  private async resume(held: readonly HeldStream[]): Promise<void> {
    const resumed = await Promise.allSettled(held.map((stream) => this.engine.resume(stream)));
    this.unresumed = held.filter((_, index) => resumed[index]?.status === 'rejected');
    const [first] = resumed.filter((result) => result.status === 'rejected');
    if (first)
      this.logger.error(
        { err: first.reason as unknown, runs: this.unresumed.length },
        'runs could not be resumed; trying again',
      );
  }
}
