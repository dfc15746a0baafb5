/** When one more is sent, if there is no answer by then; milliseconds. */
export type HedgeDelay =
  | { readonly kind: 'fixed'; readonly ms: number }
  /** When so large a share of the latest answers had come; unknown at first, and then nothing is sent. */
  | {
      readonly kind: 'quantile';
      readonly share: number;
      readonly minMs: number;
      readonly maxMs: number;
    };

export interface HedgePolicy {
  readonly delay: HedgeDelay;
  /** So many hedges each call pays for; 0.05: one for twenty calls. */
  readonly share: number;
  /** So many can be saved up, and are there at the beginning. */
  readonly burst: number;
}

/**
 * After the 95th percentile one call in twenty is hedged anyway; the budget keeps it so when all are slow.
 *
 * @see Dean and Barroso, "The Tail at Scale", CACM 2013.
 */
export const HEDGE_POLICY: HedgePolicy = {
  delay: { kind: 'quantile', share: 0.95, minMs: 1, maxMs: 10_000 },
  share: 0.05,
  burst: 10,
};
