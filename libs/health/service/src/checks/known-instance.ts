import type { DataOf, registryContract } from '@downbeat/contracts';
import { epochMs, type Position, type Recorded } from '@downbeat/eventsourcing';
import {
  reasonFound,
  type CheckedStatus,
  type CheckEvent,
  type Inherited,
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
  /** Since when it has been unhealthy, if it is. */
  unhealthySinceMs?: number | undefined;
  /** Whose failure it has, while it is unhealthy. */
  inherited?: Inherited | undefined;
  /** As what it counts among those of its service. */
  countedAs?: CheckedStatus | undefined;
  /** Of the newest event that is known of it. */
  position: Position;
}

export const knownFrom = (
  event: Extract<Recorded<CheckEvent>, { type: 'CheckStarted' }>,
): KnownInstance => ({
  checked: event.data,
  sinceMs: epochMs(event.recorded_at),
  hasStarted: false,
  standing: undefined,
  unhealthySinceMs: undefined,
  inherited: undefined,
  countedAs: undefined,
  position: event.position,
});

/** It stands so from now on. */
export function turn(
  known: KnownInstance,
  standing: Standing,
  inherited: Inherited | undefined,
  atMs: number,
): void {
  known.unhealthySinceMs =
    standing.status === 'unhealthy' ? (known.unhealthySinceMs ?? atMs) : undefined;
  known.standing = standing;
  known.inherited = inherited;
}

/** What was crossed, as one event after the registration says it. */
export function turnAsTold(
  known: KnownInstance,
  { data, recorded_at }: Extract<Recorded<CheckEvent>, { type: 'HealthChanged' }>,
): void {
  const { status, phase = 'readiness', reason, inherited } = data;
  const standing = { status, phase, reason: reasonFound(reason) };
  const isToBlame = reason === 'inherited';
  turn(known, standing, inherited && { ...inherited, isToBlame }, epochMs(recorded_at));
}
