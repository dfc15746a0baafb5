/** Ids of timers, unique within a run. Names of steps hold no colon. */
export const WORKFLOW_TIMER = 'timeout';
export const delayTimer = (step: string): string => `delay:${step}`;
export const retryTimer = (step: string, attempt: number): string => `retry:${step}:${attempt}`;
export const undoTimer = (step: string, attempt: number): string => `undo:${step}:${attempt}`;
/** Of a call that waits for its turn: not a timer, but given up like one. */
export const heldCall = (step: string, attempt: number): string => `call:${step}:${attempt}`;
