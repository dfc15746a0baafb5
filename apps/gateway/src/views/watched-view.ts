import type { Position } from '@downbeat/eventsourcing';
import { dueAtMs, type Asked } from './asking-plan';
import { isFinal, type ViewNews } from './view-news';
import type { ViewSettings } from './view-settings';

/**
 * Puts the question to its context. Never throws.
 *
 * @param minPosition The answer has to hold it; 0: any.
 * @param shownAt Where the last answer was from; one from before it may be of another log.
 */
export type AskView = (minPosition: Position, shownAt: Position) => Promise<ViewNews>;

interface Watcher {
  readonly everyMs: number;
  /** There is something new. */
  readonly moved: () => void;
}

/** One question that any number of clients watch: it is asked once for all of them, again and again. */
export class WatchedView {
  private readonly watchers = new Set<Watcher>();
  /** What the one in the greatest hurry wants; of nobody endless. */
  private everyMs = Infinity;
  private newest: ViewNews | undefined;
  /** Of the newest answer that was shown; a problem after it makes nobody forget it. */
  private shownAt: Position = 0;
  /** No client that came has seen more. */
  private least: Position = 0;
  /** When the question began that `newest` answers. */
  private newestAtMs = -Infinity;
  private asked: Asked | undefined;
  private underWay: Promise<ViewNews> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private timerAtMs = Infinity;

  constructor(
    private readonly ask: AskView,
    private heardOf: Position,
    private readonly settings: ViewSettings,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  get news(): ViewNews | undefined {
    return this.newest;
  }

  /** Up to this position something may have changed. */
  hear(position: Position): void {
    if (position <= this.heardOf) return;
    this.heardOf = position;
    this.plan();
  }

  /** What a new client begins with; shared with those that come at the same time. */
  async first(): Promise<ViewNews> {
    const isFresh = this.nowMs() - this.newestAtMs <= this.settings.freshMs;
    return this.newest && isFresh ? this.newest : this.askNow();
  }

  /** Whether the log is known to hold a position. */
  knowsOf(position: Position): boolean {
    return position <= Math.max(this.heardOf, this.least);
  }

  /** The same for a client that has seen a position. @param position The log holds it. */
  async firstReaching(position: Position): Promise<ViewNews> {
    this.least = Math.max(this.least, position);
    const { newest } = this;
    if (position === 0 || (newest && holds(newest, position))) return this.first();
    const news = await this.askNow();
    // It may have been under way already, and asked for less.
    return news.kind === 'problem' || holds(news, position) ? news : this.askNow();
  }

  /** @returns How to leave. */
  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    this.hurry();
    return () => {
      this.watchers.delete(watcher);
      this.hurry();
    };
  }

  /** Who watches, and how often they want to be told, is another now. */
  private hurry(): void {
    this.everyMs = Math.min(...[...this.watchers].map(({ everyMs }) => everyMs));
    if (this.watchers.size === 0) this.rest();
    else this.plan();
  }

  private askNow(): Promise<ViewNews> {
    this.rest();
    this.underWay ??= this.asking().finally(() => {
      this.underWay = undefined;
      this.plan();
    });
    return this.underWay;
  }

  /** Never older than what clients have, and as new as what was heard of. */
  private async asking(): Promise<ViewNews> {
    const beganAtMs = this.nowMs();
    const { asked, least } = this;
    const upTo = Math.max(least, this.shownAt, asked ? this.heardOf : 0);
    const news = notBefore(this.shownAt, await this.ask(upTo, this.shownAt));
    // Some questions are answered as of what they are about, which may be long before the end of the log.
    const reached = news.kind === 'answer' ? Math.max(upTo, news.position) : 0;
    this.asked = {
      endedAtMs: this.nowMs(),
      outcome: outcomeOf(news),
      upTo: Math.max(reached, asked?.upTo ?? 0),
    };
    if (news.kind === 'answer') this.shownAt = news.position;
    this.newest = news;
    this.newestAtMs = beganAtMs;
    for (const { moved } of [...this.watchers]) moved();
    return news;
  }

  /** Sets the clock for the next question, if anybody waits for its answer. */
  private plan(): void {
    if (this.watchers.size === 0 || this.underWay || !this.asked) return;
    if (this.newest?.kind === 'problem' && isFinal(this.newest)) return;
    const { lookMs, retryMs } = this.settings;
    const dueMs = dueAtMs(this.asked, this.heardOf, { everyMs: this.everyMs, lookMs, retryMs });
    if (dueMs >= this.timerAtMs) return;
    this.rest();
    this.timerAtMs = dueMs;
    this.timer = setTimeout(() => void this.askNow(), Math.max(0, dueMs - this.nowMs()));
  }

  private rest(): void {
    clearTimeout(this.timer);
    this.timerAtMs = Infinity;
  }
}

function outcomeOf(news: ViewNews): Asked['outcome'] {
  if (news.kind === 'answer') return 'answered';
  return news.problem.kind === 'internal' ? 'broken' : 'unavailable';
}

const holds = (news: ViewNews, position: Position): boolean =>
  news.kind === 'answer' && news.position >= position;

/** Clients have seen a position: what is from before it is not shown to them. */
function notBefore(position: Position, news: ViewNews): ViewNews {
  if (news.kind === 'problem' || news.position >= position) return news;
  const message = `the answer is from ${news.position}, before ${position}`;
  return {
    kind: 'problem',
    problem: { kind: 'unavailable', code: 'gateway/answer-too-old', message },
  };
}
