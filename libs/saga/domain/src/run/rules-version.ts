/**
 * The rules that a run begun now is decided by, for all its life: what a log says of runs that began
 * under earlier ones must follow from the rules of then. 3: what has had its effect is never asked for
 * otherwise. 2: after a call that failed for sure it is. 1, which is not written down: an undo that keeps
 * failing parks the run, and opens no incident.
 */
export const RULES = 3;

/** Whether a run begun under these rules opens incidents. */
export const opensIncidents = ({ rules = 1 }: { readonly rules?: number }): boolean => rules >= 2;

/** Whether a step of a run begun under these rules keeps its input once it has had an effect. */
export const keepsInputs = ({ rules = 1 }: { readonly rules?: number }): boolean => rules >= 3;
