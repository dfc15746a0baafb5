import type { DataOf, registryContract } from '@downbeat/contracts';
import { epochMs, type Position, type Recorded } from '@downbeat/eventsourcing';
import {
  reasonFound,
  type CheckEvent,
  type InheritedFailure,
  type Standing,
} from '@downbeat/health-domain';

export type Checked = DataOf<typeof registryContract.instanceRegistered>;

/** What the log says of an instance that is to be checked, whoever checks it. */
export interface KnownInstance {
  readonly checked: Checked;
  /** When it was registered, database time. */
  readonly sinceMs: number;
  hasStarted: boolean;
  standing: Standing | undefined;
  /** Whose failure it has, while it is unhealthy. */
  inherited?: InheritedFailure | undefined;
  /** Of the newest event that is known of it. */
  position: Position;
}

export const knownFrom = (event: Extract<Recorded<CheckEvent>, { type: 'CheckStarted' }>) => ({
  checked: event.data,
  sinceMs: epochMs(event.recorded_at),
  hasStarted: false,
  standing: undefined,
  position: event.position,
});

/** What was crossed, as one event after the registration says it. */
export const standingFrom = ({
  data: { status, phase = 'readiness', reason },
}: Extract<CheckEvent, { type: 'HealthChanged' }>): Standing => ({
  ...{ status, phase },
  reason: reasonFound(reason),
});
