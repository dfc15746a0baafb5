/**
 * One life of this process among the replicas: the name under which it holds runs, and until when
 * nobody else can have taken them over.
 *
 * @see Cary Gray, David Cheriton, "Leases", SOSP 1989.
 */
export class ReplicaLease {
  private sureUntil = 0;

  constructor(
    readonly owner: string,
    /** A monotonic clock, milliseconds. */
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param askedAt When the renewal was sent, on the lease's clock: the database counted later. */
  renewed(askedAt: number, ttlMs: number): void {
    this.sureUntil = askedAt + ttlMs;
  }

  /** What was held is others' from now on. */
  end(): void {
    this.sureUntil = 0;
  }

  /** False: another replica may hold the runs. An append would tell; a call cannot be taken back. */
  get isSure(): boolean {
    return this.now() < this.sureUntil;
  }
}
