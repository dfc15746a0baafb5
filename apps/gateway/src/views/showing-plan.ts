import type { ViewNews } from './view-news';

/** What a client has been shown so far. */
export interface Shown {
  /** Of the answer it has; absent: none. */
  readonly tag: string | undefined;
  /** When something was sent last, in ms of a clock that never goes back. */
  readonly atMs: number;
  /** The problem it was told of, and nothing since. */
  readonly problemCode: string | undefined;
}

export type ShowingStep =
  | { readonly kind: 'send'; readonly event: 'snapshot' | 'change' | 'problem' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'rest' };

const rest: ShowingStep = { kind: 'rest' };

/**
 * What to do for a client now. It skips what it had no time for: only the newest answer counts. After
 * a problem the next answer comes in any case, or the client would not know that the problem is over.
 *
 * @param everyMs A client gets at most one answer each.
 */
export function nextStep(
  shown: Shown,
  news: ViewNews,
  everyMs: number,
  nowMs: number,
): ShowingStep {
  if (news.kind === 'problem')
    return news.problem.code === shown.problemCode ? rest : { kind: 'send', event: 'problem' };
  if (news.tag === shown.tag && shown.problemCode === undefined) return rest;
  const waitMs = shown.atMs + everyMs - nowMs;
  if (waitMs > 0) return { kind: 'wait', ms: waitMs };
  const isFirst = shown.tag === undefined || shown.problemCode !== undefined;
  return { kind: 'send', event: isFirst ? 'snapshot' : 'change' };
}
