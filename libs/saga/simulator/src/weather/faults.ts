/** What may go wrong, and how often when a seed has it at all. */
export const FAULTS = {
  // The store: an append is not sent, or committed without an answer, or only after the caller gave up.
  'append-lost': 0.06,
  'append-unanswered': 0.06,
  'append-late': 0.04,
  /** So late that nobody can wait for it: its connection broke before the server had read it. */
  'append-astray': 0.02,
  'append-overloaded': 0.03,
  'read-failed': 0.06,
  'lease-call-lost': 0.05,
  'lease-call-unanswered': 0.05,
  // For some time, per turn of 250 ms.
  'store-outage': 0.006,
  'replica-cut-off': 0.01,
  'target-outage': 0.01,
  // Processes, per turn; at a crash point: per pass.
  'killed-at-crash-point': 0.02,
  'killed-anywhere': 0.008,
  'stopped-in-order': 0.008,
  frozen: 0.015,
  suspended: 0.01,
  'clock-set': 0.02,
  // The way to a service and back.
  'call-refused': 0.06,
  'call-request-lost': 0.05,
  'call-answer-lost': 0.06,
  'call-broken': 0.05,
  'call-slow': 0.05,
  'call-duplicated': 0.05,
  // What the service, or a gateway before it, says.
  'target-refuses': 0.08,
  'target-busy': 0.1,
  'target-gateway': 0.05,
  'target-unusable': 0.08,
  'target-unstorable': 0.01,
  'target-oversized': 0.03,
  // What operators say of targets, per turn.
  'target-paused': 0.02,
  'target-resumed': 0.03,
  'target-limited': 0.02,
  // What one replica asks another, and its answer.
  'word-lost': 0.1,
  'word-unanswered': 0.1,
  // Commands.
  'command-repeated': 0.15,
  'command-answer-lost': 0.1,
  'compensation-asked': 0.012,
  'retry-asked': 0.02,
  'pause-asked': 0.03,
  'resume-asked': 0.15,
  'failure-seen-to': 0.12,
  'incident-seen-to': 0.15,
  // While the run that it is a step of ends.
  'child-meddled-with': 0.1,
  'signal-sent': 0.08,
  'archive-asked': 0.04,
  'purge-asked': 0.06,
  // Another version of a workflow, and a run that is to go by it.
  'version-registered': 0.06,
  'migration-asked': 0.06,
  /** By a version that was made for it. */
  'repair-asked': 0.15,
  // What operators say of definitions, per turn; and who is told so at once.
  'definition-paused': 0.04,
  'definition-resumed': 0.1,
  'hint-lost': 0.2,
} as const;

export type Fault = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as readonly Fault[];
