import type { Position } from '@downbeat/eventsourcing';
import type { MessageBus, Problem } from '@downbeat/message-bus';
import { knownHead } from '../stream/log-page';
import type { ViewNews } from './view-news';
import type { WatchRequest } from './watch-request';
import type { WatchedView } from './watched-view';

/** How a stream begins: with what the view has now, unless there is a problem. */
export interface FirstNews {
  readonly problem?: Problem;
  /** The client has seen another log: where it was, and where this one is. */
  readonly reset?: { readonly asked: Position; readonly head: Position };
}

/**
 * Waits until the view has something for this client: not older than what it came with, and not than
 * what it asks for. The view is asked for positions of the log only: what a client claims beyond it
 * makes nobody wait.
 */
export async function firstNews(
  bus: MessageBus,
  view: WatchedView,
  { last, minPosition = 0 }: Pick<WatchRequest, 'last' | 'minPosition'>,
): Promise<FirstNews> {
  const least = Math.max(minPosition, last?.position ?? 0);
  if (view.knowsOf(least)) return told(await view.firstReaching(least));
  const head = await knownHead(bus);
  if (head === undefined) return told(reaching(least, await view.first()));
  if (head >= least) return told(await view.firstReaching(least));
  if (!last || minPosition > head) return { problem: beyond(least, head) };
  return { ...told(await view.firstReaching(minPosition)), reset: { asked: last.position, head } };
}

const told = (news: ViewNews): FirstNews =>
  news.kind === 'problem' ? { problem: news.problem } : {};

const reaching = (least: Position, news: ViewNews): ViewNews =>
  news.kind === 'answer' && news.position < least
    ? { kind: 'problem', problem: beyond(least, news.position) }
    : news;

const beyond = (least: Position, head: Position): Problem => ({
  kind: 'unavailable',
  code: 'gateway/position-not-there',
  message: `position ${least} is not there: what is known ends at ${head}`,
});
