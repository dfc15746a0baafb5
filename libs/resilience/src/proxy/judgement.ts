import { isUnsendable } from '../edge/unsendable';
import type { Verdict } from '../retry/classification';

/** What a failure says about the target, and about trying again. */
export interface Judgement {
  readonly failure: unknown;
  readonly isFault: boolean;
  /** Whether it says anything about the target: not when the caller made an answer impossible. */
  readonly isEvidence: boolean;
  readonly verdict: Verdict;
}

/**
 * A judge that breaks is the failure then: nothing is known of the one it should have judged.
 *
 * @param isCutShort By its caller's deadline, before it had the time that an attempt has.
 */
export function judged(
  failure: unknown,
  isFault: (failure: unknown) => boolean,
  classify: (failure: unknown) => Verdict,
  isCutShort: boolean,
): Judgement {
  try {
    const isEvidence = !isCutShort && !isUnsendable(failure);
    return { failure, isEvidence, isFault: isFault(failure), verdict: classify(failure) };
  } catch (fault) {
    return { failure: fault, isEvidence: true, isFault: true, verdict: 'unknown' };
  }
}
