import { Fault, type Position } from '@downbeat/eventsourcing';
import type { MessageBus, Problem } from '@downbeat/message-bus';
import { readHead } from '../stream/log-page';
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
 * what it asks for.
 */
export async function firstNews(
  bus: MessageBus,
  view: WatchedView,
  { last, minPosition = 0 }: Pick<WatchRequest, 'last' | 'minPosition'>,
): Promise<FirstNews> {
  const least = Math.max(minPosition, last?.position ?? 0);
  const news = await (least === 0 ? view.first() : view.firstReaching(least));
  const { problem } = told(news);
  if (problem?.kind !== 'unavailable' || !last) return told(news);
  const head = await headOf(bus);
  if (head === undefined || head >= last.position || minPosition > head) return { problem };
  return { ...told(await view.first()), reset: { asked: last.position, head } };
}

const told = (news: ViewNews): FirstNews =>
  news.kind === 'problem' ? { problem: news.problem } : {};

/** Unknown when the log cannot be read either: then nobody can say that it is another one. */
async function headOf(bus: MessageBus): Promise<Position | undefined> {
  try {
    return await readHead(bus);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return undefined;
  }
}
