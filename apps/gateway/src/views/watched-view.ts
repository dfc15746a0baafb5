import type { Position } from '@downbeat/eventsourcing';
import { dueAtMs, type Asked } from './asking-plan';
import { isFinal, type ViewNews } from './view-news';
import type { ViewSettings } from './view-settings';

/** Puts the question to its context. @param minPosition The answer has to hold it; 0: any. Never throws. */
export type AskView = (minPosition: Position) => Promise<ViewNews>;

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
  /** When the question began that `newest` answers. */
  private newestAtMs = -Infinity;
  private asked: Asked | undefined;
  private underWay: Promise<ViewNews> | undefined;
  private readonly apart = new Map<Position, Promise<ViewNews>>();
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

  /**
   * The same for a client that knows of a position. It is asked for apart: what a client claims makes
   * nobody else wait.
   */
  async firstReaching(position: Position): Promise<ViewNews> {
    const { newest } = this;
    if (newest?.kind === 'answer' && newest.position >= position) return this.first();
    const same = this.apart.get(position);
    if (same) return same;
    const beganAtMs = this.nowMs();
    const asking = this.ask(position).finally(() => this.apart.delete(position));
    this.apart.set(position, asking);
    const news = await asking;
    if (news.kind === 'answer') this.take(news, beganAtMs, position);
    return news;
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
    const { newest, asked } = this;
    const shownAt = newest?.kind === 'answer' ? newest.position : 0;
    const upTo = asked ? Math.max(this.heardOf, shownAt) : 0;
    return this.take(await this.ask(upTo), beganAtMs, upTo);
  }

  /** @returns What is the newest now: one that was asked for apart may have overtaken it. */
  private take(news: ViewNews, beganAtMs: number, upTo: Position): ViewNews {
    const isAnswer = news.kind === 'answer';
    const reached = isAnswer ? Math.max(upTo, news.position) : 0;
    this.asked = {
      endedAtMs: this.nowMs(),
      outcome: outcomeOf(news),
      upTo: Math.max(reached, this.asked?.upTo ?? 0),
    };
    if (this.newest && beganAtMs < this.newestAtMs && !isFurther(news, this.newest))
      return this.newest;
    this.newest = news;
    this.newestAtMs = Math.max(beganAtMs, this.newestAtMs);
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

const isFurther = (news: ViewNews, than: ViewNews): boolean =>
  news.kind === 'answer' && than.kind === 'answer' && news.position > than.position;
