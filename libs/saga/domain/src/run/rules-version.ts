/**
 * The rules that a run begun now is decided by, for all its life: what a log says of runs that began
 * under earlier ones must follow from the rules of then. 4: a race that is passed over is done with, and a
 * call that failed takes nothing from the effect of one before. 3: what a run may hold is counted in bytes and
 * bounded, what has had its effect is never asked for otherwise, and of the signals that came in a pause
 * each step takes its own. 2: after a call that failed for sure it is, and the first to go on takes the
 * oldest. 1, which is not written down: an undo that keeps failing parks the run, and opens no
 * incident.
 */
export const RULES = 4;

interface Ruled {
  readonly rules?: number;
}

/** Whether a run begun under these rules opens incidents. */
export const opensIncidents = ({ rules = 1 }: Ruled): boolean => rules >= 2;

/** Whether a step of a run begun under these rules keeps its input once it has had an effect. */
export const keepsInputs = ({ rules = 1 }: Ruled): boolean => rules >= 3;

/** Whether of several signals that came in a pause each step takes the one that was for it. */
export const pairsSignals = ({ rules = 1 }: Ruled): boolean => rules >= 3;

/** Whether what it takes in is bounded by `RUN_BYTES_MAX`, and each piece by `PAYLOAD_BYTES_MAX`. */
export const isBounded = ({ rules = 1 }: Ruled): boolean => rules >= 3;

/** Whether of a race that is passed over nothing more is undone by itself, and no other waits for it. */
export const leavesPassedRaces = ({ rules = 1 }: Ruled): boolean => rules >= 4;

/** Whether an effect stays what it is when a later call of its step failed for sure and is undone all the same. */
export const keepsEffects = ({ rules = 1 }: Ruled): boolean => rules >= 4;
