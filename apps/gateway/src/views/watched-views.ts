import { querySubject, type QueryContract } from '@downbeat/contracts';
import type { JsonObject, Position } from '@downbeat/eventsourcing';
import { newTraceparent, type MessageBus } from '@downbeat/message-bus';
import { Logger } from '@nestjs/common';
import { problemOfFault } from '../http/problems';
import { knownHead } from '../stream/log-page';
import { AskingRoom } from './asking-room';
import { viewAnswer, type ViewNews } from './view-news';
import type { ViewSettings } from './view-settings';
import { WatchedView } from './watched-view';

const ANSWER_TIMEOUT_MS = 10_000;

interface Question {
  readonly subject: string;
  readonly input: JsonObject;
  readonly isCurrent: () => boolean;
}

interface Held {
  readonly view: WatchedView;
  readonly context: string;
  holders: number;
}

export interface HeldView {
  readonly view: WatchedView;
  /** It is of the log as it is now. */
  readonly isCurrent: () => boolean;
  /** Lets it go. */
  readonly release: () => void;
}

/** The views somebody watches, by what is asked: the same question is there once. */
export class WatchedViews {
  private readonly logger = new Logger(WatchedViews.name);
  private readonly held = new Map<string, Held>();
  private readonly rooms = new Map<string, AskingRoom>();
  private readonly heardOf = new Map<string, Position>();
  /** Of hints that do not say whose events they are about. */
  private heardOfAny = 0;
  /** While it is asked for. */
  private head: Promise<Position | undefined> | undefined;

  /** @param onOtherLog The log ends before what was seen of it: it was restored, and clients begin anew. */
  constructor(
    private readonly bus: MessageBus,
    private readonly settings: ViewSettings,
    private readonly onOtherLog: () => void,
  ) {}

  /** What decides about the answer is part of what is asked. */
  hold(contract: QueryContract, input: JsonObject): HeldView {
    const key = `${querySubject(contract)} ${JSON.stringify(input)}`;
    const isCurrent = (): boolean => this.held.get(key) === held;
    const held: Held = this.held.get(key) ?? this.make(contract, input, () => isCurrent());
    this.held.set(key, held);
    held.holders++;
    const release = (): void => {
      if (--held.holders === 0 && isCurrent()) this.held.delete(key);
    };
    return { view: held.view, isCurrent, release };
  }

  /** The log grew. @param contexts Whose events those are; absent: anybody's. */
  hear(position: Position, contexts?: readonly string[]): void {
    if (contexts) for (const context of contexts) this.heardOf.set(context, position);
    else this.heardOfAny = position;
    for (const { view, context } of this.held.values())
      if (!contexts || contexts.includes(context)) view.hear(position);
  }

  private make(contract: QueryContract, input: JsonObject, isCurrent: () => boolean): Held {
    const { context } = contract;
    const question: Question = { subject: querySubject(contract), input, isCurrent };
    const isWanted = (): boolean => held.holders > 0 && isCurrent();
    const ask = async (minPosition: Position, shownAt: Position): Promise<ViewNews> => {
      const work = (): Promise<ViewNews> => this.ask(question, minPosition, shownAt);
      return (await this.roomOf(context).enter(isWanted, work)) ?? putOff;
    };
    const heardOf = Math.max(this.heardOfAny, this.heardOf.get(context) ?? 0);
    const held: Held = { view: new WatchedView(ask, heardOf, this.settings), context, holders: 0 };
    return held;
  }

  /** Of each context: one that answers slowly holds up nobody who asks another. */
  private roomOf(context: string): AskingRoom {
    const { askingMax, clientsMax, waitMs } = this.settings;
    const room = this.rooms.get(context) ?? new AskingRoom(askingMax, clientsMax, waitMs);
    this.rooms.set(context, room);
    return room;
  }

  private async ask(
    { subject, input, isCurrent }: Question,
    minPosition: Position,
    shownAt: Position,
  ): Promise<ViewNews> {
    try {
      const payload = { input, ...(minPosition > 0 && { min_position: minPosition }) };
      const outcome = await this.bus.query(subject, payload, {
        timeoutMs: ANSWER_TIMEOUT_MS,
        traceparent: untraced(),
      });
      // Some are answered wherever the log is: of those only an answer from before the last one is a sign.
      const isBehind = outcome.ok
        ? outcome.position < shownAt
        : outcome.problem.kind === 'unavailable';
      if (isBehind) await this.lookAtLog(minPosition, isCurrent);
      return outcome.ok
        ? viewAnswer(outcome.position, outcome.data)
        : { kind: 'problem', problem: outcome.problem };
    } catch (fault) {
      const problem = problemOfFault(fault);
      if (problem.kind === 'internal') this.logger.error({ err: fault }, `${subject} broke`);
      return { kind: 'problem', problem };
    }
  }

  /** @param seen A position that the log had. */
  private async lookAtLog(seen: Position, isCurrent: () => boolean): Promise<void> {
    if (seen === 0 || !isCurrent()) return;
    const isShared = this.head !== undefined;
    let head = await this.readHead();
    // It may have been read before the log had what was seen; whatever is under way now began later.
    if (isShared && head !== undefined && head < seen) head = await this.readHead();
    // Meanwhile another question may have found it out: who came since then is not sent away again.
    if (head !== undefined && head < seen && isCurrent()) this.beginAnew(head);
  }

  /** Once for all who ask at the same time. */
  private readHead(): Promise<Position | undefined> {
    this.head ??= knownHead(this.bus).finally(() => (this.head = undefined));
    return this.head;
  }

  private beginAnew(head: Position): void {
    this.logger.warn(`the log ends at ${head}, before what was seen of it: all views begin anew`);
    this.heardOf.clear();
    this.heardOfAny = head;
    this.held.clear();
    this.onOtherLog();
  }
}

/** Or nobody wants it any more, and sees it. */
const putOff: ViewNews = {
  kind: 'problem',
  problem: {
    kind: 'unavailable',
    code: 'gateway/views-busy',
    message: 'more views are followed than are answered in time: it is asked for again',
  },
};

/** Not sampled: spans of it would be events of the view of traces, which would be asked for again because of them. */
const untraced = (): string => newTraceparent().replace(/01$/, '00');
