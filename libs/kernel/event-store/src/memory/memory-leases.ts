import type { StreamName } from '@downbeat/eventsourcing';
import { Leases, type HeldStream } from '../leases/leases';
import { keyOf, type MemoryLog } from './memory-log';

/** One context's leases in a {@link MemoryLog}, on the log's clock. */
export class MemoryLeases extends Leases {
  constructor(
    readonly log: MemoryLog,
    readonly context: string,
  ) {
    super();
  }

  async renew(owner: string, ttlMs: number): Promise<boolean> {
    if (this.#life(owner)?.isOver) return false;
    this.#setLife(owner, this.log.now() + ttlMs, false);
    return true;
  }

  async takeOver(owner: string, limit: number): Promise<readonly HeldStream[]> {
    const orphans = [...this.log.holders]
      .filter(([, holder]) => holder.context === this.context && holder.owner !== owner)
      .filter(([, holder]) => !this.#isAlive(holder.owner))
      .slice(0, limit);
    return orphans.map(([stream, holder]) => {
      const epoch = holder.epoch + 1;
      this.log.holders.set(stream, { ...holder, owner, epoch });
      this.#setLife(holder.owner, 0, true);
      return { stream, epoch };
    });
  }

  async resign(owner: string): Promise<void> {
    this.#setLife(owner, 0, true);
  }

  async holder(stream: StreamName): Promise<string | undefined> {
    const holder = this.log.holders.get(stream);
    return holder?.context === this.context ? holder.owner : undefined;
  }

  async held(owner: string): Promise<readonly HeldStream[]> {
    return [...this.log.holders]
      .filter(([, holder]) => holder.context === this.context && holder.owner === owner)
      .map(([stream, { epoch }]) => ({ stream, epoch }));
  }

  #life(owner: string) {
    return this.log.owners.get(keyOf(this.context, owner));
  }

  #isAlive(owner: string): boolean {
    const life = this.#life(owner);
    return life !== undefined && !life.isOver && life.expiresAtMs >= this.log.now();
  }

  #setLife(owner: string, expiresAtMs: number, isOver: boolean): void {
    this.log.owners.set(keyOf(this.context, owner), { context: this.context, expiresAtMs, isOver });
  }
}
