/** Where a call can go, as a snapshot lists it. Never changed: a new snapshot brings new objects. */
export interface Endpoint {
  /** Names it across snapshots: what is known of an id is kept while the id is listed. */
  readonly id: string;
  /** Its share of the calls relative to the others; above 0. */
  readonly weight: number;
  /** 0 is asked first; a higher one takes what those before it cannot. */
  readonly priority: number;
  readonly zone: string;
  /** What health checks say; what calls say is found out here. */
  readonly isHealthy: boolean;
  /** Takes no new calls, finishes those it has, and serves the sticky keys it holds. */
  readonly isDraining: boolean;
}

/** How a call ended. `abandoned`: the caller stopped waiting, so nothing is known. */
export type CallEnding = 'ok' | 'failed' | 'abandoned';

/**
 * @throws {RangeError} An id is listed twice, a weight is not above 0 or a priority not a whole
 *         number from 0.
 */
export function checkEndpoints(endpoints: readonly Endpoint[]): void {
  const ids = new Set<string>();
  for (const { id, weight, priority } of endpoints) {
    if (ids.has(id)) throw new RangeError(`${id} is listed twice`);
    ids.add(id);
    if (!(weight > 0 && weight < Infinity)) throw new RangeError(`${id} has weight ${weight}`);
    if (!Number.isInteger(priority) || priority < 0)
      throw new RangeError(`${id} has priority ${priority}`);
  }
}
