/**
 * The rules that a run begun now is decided by, for all its life: what a log says of runs that began
 * under earlier ones must follow from the rules of then. 3: what a run may hold is counted in bytes
 * and bounded. 2: an undo that keeps failing opens an incident. 1, which is not written down: it parks
 * the run.
 */
export const RULES = 3;

interface Ruled {
  readonly rules?: number;
}

/** Whether a run begun under these rules opens incidents. */
export const opensIncidents = ({ rules = 1 }: Ruled): boolean => rules >= 2;

/** Whether what it takes in is bounded by `RUN_BYTES_MAX`, and each piece by `PAYLOAD_BYTES_MAX`. */
export const isBounded = ({ rules = 1 }: Ruled): boolean => rules >= 3;
