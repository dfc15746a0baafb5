import type { Verdict } from '../retry/classification';

/** What a failure says about the target, and about trying again. */
export interface Judgement {
  readonly failure: unknown;
  readonly isFault: boolean;
  readonly verdict: Verdict;
}

/** A judge that breaks is the failure then: nothing is known of the one it should have judged. */
export function judged(
  failure: unknown,
  isFault: (failure: unknown) => boolean,
  classify: (failure: unknown) => Verdict,
): Judgement {
  try {
    return { failure, isFault: isFault(failure), verdict: classify(failure) };
  } catch (fault) {
    return { failure: fault, isFault: true, verdict: 'unknown' };
  }
}
