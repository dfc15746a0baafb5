export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;

/** How soon a call that waits gets its turn, in relation to others. */
export type Priority = (typeof PRIORITIES)[number];

/** Of fifteen turns that all want, critical calls get eight, and low ones still one. */
export const PRIORITY_WEIGHTS: Readonly<Record<Priority, number>> = {
  critical: 8,
  high: 4,
  normal: 2,
  low: 1,
};
