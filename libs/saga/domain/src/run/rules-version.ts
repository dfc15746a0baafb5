/**
 * The rules that a run begun now is decided by, for all its life: what a log says of runs that began
 * under earlier ones must follow from the rules of then. 2: an undo that keeps failing opens an
 * incident. 1, which is not written down: it parks the run.
 */
export const RULES = 2;

/** Whether a run begun under these rules opens incidents. */
export const opensIncidents = ({ rules = 1 }: { readonly rules?: number }): boolean => rules >= 2;
