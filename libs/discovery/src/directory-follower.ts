import { registryContract, validate } from '@downbeat/contracts';
import { DirectorySnapshot } from './directory-snapshot';
import { isOlderShape, WholeLook } from './whole-look';

/** What changed since a revision, in a log that holds the mark. */
export interface DirectoryQuestion {
  readonly since: number;
  readonly mark?: registryContract.LogMark;
}

/** The way to the registry: request and reply, and what it pushes. */
export interface DirectorySource {
  /** @throws When the registry does not answer in time. */
  ask(input: DirectoryQuestion): Promise<registryContract.DirectoryPage>;
  /** Calls `listener` with each push as it came. Returns the unsubscribe function. */
  onPush(listener: (push: unknown) => void): () => void;
}

export interface FollowerOptions {
  /** Milliseconds, for ages; never goes back. Default: the process's. */
  readonly now?: () => number;
  /** Called after entries were replaced. */
  readonly onReplaced?: (services: readonly string[]) => void;
  /** Called when the registry could not be asked, or said what nobody understands. */
  readonly onTrouble?: (fault: unknown) => void;
}

type Told = Pick<registryContract.DirectoryPage, 'services' | 'shape'>;

/** Half of the pages came from a replica that knows more than the one that gave the next. */
class PartOnly extends Error {
  override readonly name = 'PartOnly';
  readonly code = 'discovery/part-only';

  constructor(revision: number) {
    super(`another replica answered, which has come to ${revision} only`);
  }
}

/** How old a snapshot is, and how much it holds. */
export interface FollowerStatus {
  readonly services: number;
  readonly revision: number;
  /** Since the registry last said that this is all; -1: it never has. */
  readonly age_ms: number;
}

/** The registry says each second that it is there. Silent for longer, it is asked. */
const SILENT_MS = 3_000;
const LOOK_EVERY_MS = 1_000;
const BEHIND_MS = 100;
/** So that not all come at once when the registry is back. */
const JITTER = 0.3;
/** A replica that lags has caught up by then. */
const OLD_LOG_MS = 10_000;

/**
 * Keeps a snapshot fresh. Pushes that follow on what is known are taken as they are; after a gap, a
 * silence or a start the registry is asked for what changed since. While it cannot be reached, the
 * last snapshot goes on serving.
 */
export class DirectoryFollower {
  private current = new DirectorySnapshot();
  private readonly now: () => number;
  private heardAt: number | undefined;
  private replacements = 0;
  /** Someone said that there is something up to here. */
  private wanted = 0;
  /** Since when the registry knows less than is known here. */
  private oldLogSince: number | undefined;
  /** The log of the registry is not the one that what is known was told from. */
  private isOtherLog = false;
  /** Nobody was heard for a while: the registry that is heard next may have another log. */
  private isUnsure = false;
  private readonly wholeLook: WholeLook;
  private asking: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStarted = false;
  private isStopped = false;
  private tellFirst: () => void = () => undefined;
  private readonly first = new Promise<void>((resolve) => (this.tellFirst = resolve));
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly source: DirectorySource,
    private readonly options: FollowerOptions = {},
  ) {
    this.now = options.now ?? (() => performance.now());
    this.wholeLook = new WholeLook(this.now);
  }

  /** Does nothing when it has been started. */
  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    this.unsubscribe = this.source.onPush((push) => this.pushed(push));
    this.ask();
  }

  /** Ends after the question under way. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.unsubscribe();
    clearTimeout(this.timer);
    await this.asking;
  }

  /** Swapped for another one only when the registry's log was put back to an earlier state. */
  get snapshot(): DirectorySnapshot {
    return this.current;
  }

  /** Rises whenever an entry was replaced. */
  get changes(): number {
    return this.replacements;
  }

  /** False: nothing is known of any service, as the registry has not answered yet. */
  get isKnown(): boolean {
    return this.heardAt !== undefined;
  }

  /** Settles with the first whole snapshot. */
  whenKnown(): Promise<void> {
    return this.first;
  }

  status(): FollowerStatus {
    const age_ms = this.heardAt === undefined ? -1 : this.now() - this.heardAt;
    return { services: this.snapshot.size, revision: this.snapshot.revision, age_ms };
  }

  /** Asks for what changed, unless that is being done. */
  ask(): void {
    if (this.asking || this.isStopped) return;
    clearTimeout(this.timer);
    this.asking = this.catchUp()
      .then(() => this.askAgainIn(this.isBehind || this.isOtherLog ? BEHIND_MS : LOOK_EVERY_MS))
      .catch((fault: unknown) => {
        this.options.onTrouble?.(fault);
        this.askAgainIn(LOOK_EVERY_MS);
      })
      .finally(() => (this.asking = undefined));
  }

  /** A replica that lags behind answered: another one, or the same a moment later, knows more. */
  private get isBehind(): boolean {
    return this.snapshot.revision < this.wanted;
  }

  private async catchUp(): Promise<void> {
    const isLongBehind =
      this.oldLogSince !== undefined && this.now() - this.oldLogSince > OLD_LOG_MS;
    const isAnew = this.isOtherLog || isLongBehind;
    const into = isAnew ? new DirectorySnapshot() : this.snapshot;
    let isPart = false;
    for (;;) {
      const { revision: since, mark } = into;
      const page = await this.source.ask({ since, ...(mark ? { mark } : {}) });
      if (page.is_other_log === true) {
        // Asked again in a moment, with nothing known.
        this.isOtherLog = true;
        return;
      }
      this.take(page, into);
      this.compare(page.revision, since);
      // Another replica, which lags behind the one that gave the page before.
      if (isPart && page.revision < since) throw new PartOnly(page.revision);
      into.revision = Math.max(since, page.revision);
      into.mark = page.mark ?? into.mark;
      isPart = page.has_more;
      if (!isPart || this.isStopped) break;
    }
    if (isAnew) this.replaceBy(into);
    this.isUnsure = false;
    this.heardAt = this.now();
    this.tellFirst();
    if (this.wholeLook.isWanted) await this.lookAtAll();
  }

  /** At what is known too: of some of it more can be told by now. */
  private async lookAtAll(): Promise<void> {
    this.wholeLook.begin();
    const into = this.current;
    const known = into.revision;
    for (let since = 0; !this.isStopped;) {
      const page = await this.source.ask({ since, ...(into.mark ? { mark: into.mark } : {}) });
      // Another log is seen to by the next question, and after a replica of before may come a newer one.
      if (page.is_other_log === true || isOlderShape(page.shape)) return;
      this.take(page, into);
      if (!page.has_more) return page.revision >= known ? into.isAllThereIsUpTo(known) : undefined;
      if (page.revision <= since) throw new PartOnly(page.revision);
      since = page.revision;
    }
  }

  private replaceBy(anew: DirectorySnapshot): void {
    this.current = anew;
    this.replacements++;
    this.options.onReplaced?.(anew.names);
    this.wanted = anew.revision;
    this.oldLogSince = undefined;
    this.isOtherLog = false;
  }

  /** A registry that is behind for long does not lag: its log was put back to an earlier state. */
  private compare(revision: number, since: number): void {
    if (revision >= since) this.oldLogSince = undefined;
    else this.oldLogSince ??= this.now();
  }

  private pushed(push: unknown): void {
    const read = validate(registryContract.directoryPush, push);
    if (!('value' in read)) return this.options.onTrouble?.(read);
    const { after, revision, mark } = read.value;
    // What another log tells begins before or after what is known here, as a rule.
    const isNext = after === this.snapshot.revision;
    this.take(read.value, this.snapshot);
    this.compare(revision, this.snapshot.revision);
    this.wanted = Math.max(this.wanted, revision);
    if (this.snapshot.revision < after) return this.ask();
    this.snapshot.revision = Math.max(this.snapshot.revision, revision);
    if (isNext) this.snapshot.mark = mark ?? this.snapshot.mark;
    if (this.isKnown && revision >= this.snapshot.revision) this.heardAt = this.now();
    if (this.wholeLook.isWanted) this.ask();
  }

  private take({ services, shape }: Told, into: DirectorySnapshot): void {
    const replaced = into.take(services, isOlderShape(shape));
    this.wholeLook.heard(shape, into);
    // What is not looked at yet is told of when it is swapped in.
    if (replaced.length === 0 || into !== this.current) return;
    this.replacements++;
    this.options.onReplaced?.(replaced);
  }

  private askAgainIn(ms: number): void {
    if (this.isStopped) return;
    const jitterMs = ms * JITTER * Math.random();
    this.timer = setTimeout(() => {
      const silentMs = this.heardAt === undefined ? Infinity : this.now() - this.heardAt;
      if (silentMs >= SILENT_MS) this.isUnsure = true;
      const isSame = !this.isUnsure && !this.isOtherLog && this.oldLogSince === undefined;
      const isCurrent = isSame && !this.isBehind;
      if (isCurrent) this.askAgainIn(LOOK_EVERY_MS);
      else this.ask();
    }, ms + jitterMs);
  }
}
