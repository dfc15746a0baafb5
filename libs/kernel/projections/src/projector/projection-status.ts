import type { Position } from '@downbeat/eventsourcing';

/** `starting`: not seen its record yet. `superseded`: a newer version is live, this code does nothing. */
export type ProjectorRole = 'starting' | 'building' | 'live' | 'superseded';

/** How a projection is doing, as this process sees it; for readiness and metrics. */
export interface ProjectionStatus {
  readonly name: string;
  readonly version: number;
  readonly state: ProjectorRole | 'failed';
  /** Whether any version can be asked. */
  readonly is_served: boolean;
  /** Everything up to here is in the tables. */
  readonly position: Position;
  /** Positions of the log that are not. */
  readonly lag: number;
  /** Streams with an event that could not be applied. */
  readonly parked_streams: number;
  /** The last fault since the last success. */
  readonly fault?: string;
}
