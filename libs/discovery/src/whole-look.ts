import { registryContract } from '@downbeat/contracts';
import type { DirectorySnapshot } from './directory-snapshot';

/** While old and new replicas answer by turns, a look can be in vain. */
const AGAIN_MS = 10_000;
/** So that not all look in the moment in which a newer registry is heard. */
const SPREAD_MS = 5_000;

/** A registry of before says less of a service than is understood here. */
export const isOlderShape = (shape = 1): boolean => shape < registryContract.DIRECTORY_SHAPE;

/** When to ask for all of the directory again, although nothing in it has changed. */
export class WholeLook {
  /** When the next one may be. */
  private dueAt: number | undefined;
  private isHeard = false;

  constructor(private readonly now: () => number) {}

  /** Somebody told something, if only that nothing has changed. */
  heard(shape: number | undefined, snapshot: Pick<DirectorySnapshot, 'hasOlderShape'>): void {
    // One that says less beside it takes nothing from that.
    this.isHeard = snapshot.hasOlderShape && (this.isHeard || !isOlderShape(shape));
    if (this.isHeard) this.dueAt ??= this.now() + SPREAD_MS * Math.random();
  }

  get isWanted(): boolean {
    return this.isHeard && this.dueAt !== undefined && this.now() >= this.dueAt;
  }

  begin(): void {
    this.isHeard = false;
    this.dueAt = this.now() + AGAIN_MS;
  }
}
