import { messagingContract } from '@downbeat/contracts';
import type { NatsLink, RawMessage } from '../nats/nats-link';
import { Pull } from '../nats/pull';
import { backOffMs, pause } from '../pause';
import { Acknowledger } from './acknowledger';
import { AgainBytes } from './again-bytes';
import { arrivalOf } from './arrival';
import { reasonOf, type MessageEvent } from './events';
import { Settler, type QueueLimit } from './settler';
import { SuiteDesk, SuiteRefused, SuiteSilent, type Bound } from './suite-desk';
import { Suspects } from './suspects';
import { TopicDesk } from './topic-desk';
import type { MessagePriority } from './topic';
import type { Subscribed } from './verdict';

const { MESSAGE_PRIORITIES, MESSAGE_STREAM, messageConsumer, queueConsumer, redrivenConsumer } =
  messagingContract;

/** Within the acknowledgement wait of ten seconds the server is told often enough that one sign may be lost. */
const SIGN_EVERY_MS = 3_000;
/** A consumer that goes as soon as it is there must not keep the suite busy. */
const BIND_EVERY_MS = 500;
const ASK_AGAIN_FIRST_MS = 200;
const ASK_AGAIN_MAX_MS = 10_000;
/** For whoever has its topic; this instance has not. */
const UNKNOWN_TOPIC_MS = 30_000;
/** By then the server has forgotten that this instance wanted messages. */
const GIVEN_BACK_MS = 500;
const REDRIVEN_MAX = 4;

export interface SubscriptionsPorts {
  readonly link: NatsLink;
  readonly service: string;
  readonly tell: (event: MessageEvent) => void;
  readonly onDefect: (where: string, defect: unknown) => void;
}

/** All topics of a service: pulls their messages as fast as they are handled, and sets itself up again for ever. */
export class Subscriptions {
  private readonly desk: SuiteDesk;
  private readonly acks: Acknowledger;
  private readonly desks = new Map<string, TopicDesk>();
  private readonly suspects = new Suspects();
  private readonly againBytes = new AgainBytes();
  private readonly limits = new Map<string, QueueLimit>();
  private shared: ReadonlySet<string> = new Set();
  private pulls: readonly Pull[] = [];
  private created: string | undefined;
  private boundAt = -Infinity;
  private forget: () => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;
  private binding: Promise<void> | undefined;
  private isAskedAgain = false;
  private readonly ending = new AbortController();

  constructor(private readonly ports: SubscriptionsPorts) {
    this.desk = new SuiteDesk(ports.link, ports.service);
    this.acks = new Acknowledger(ports.link);
  }

  /** @throws {RangeError} The topic has a handler already, or it is too late. */
  add(subscribed: Subscribed): void {
    const { name } = subscribed.topic;
    if (this.timer) throw new RangeError(`subscribe to ${name} before the service starts`);
    if (this.desks.has(name)) throw new RangeError(`there are two handlers for ${name}`);
    const { acks, desk } = this;
    const { tell, onDefect } = this.ports;
    const onMessageDefect = (of: string, defect: unknown): void =>
      onDefect(`message ${of}`, defect);
    const limit: QueueLimit = { deliveriesMax: undefined };
    this.limits.set(name, limit);
    const settler = new Settler(subscribed, { acks, desk, tell, onDefect: onMessageDefect }, limit);
    const topicDesk = new TopicDesk({
      topic: name,
      inFlightMax: subscribed.limits.inFlightMax,
      settler,
      suspects: this.suspects,
      againBytes: this.againBytes,
      onRoom: () => this.pull(),
      onDefect: onMessageDefect,
    });
    this.desks.set(name, topicDesk);
  }

  start(): void {
    if (this.desks.size === 0) return;
    this.pulls = this.allPulls();
    this.forget = this.ports.link.onConnected(() => this.bind());
    this.timer = setInterval(() => this.giveSigns(), SIGN_EVERY_MS);
    if (this.ports.link.session()) this.bind();
  }

  /** Pulls no more, gives back what was not begun, and lets handlers end for `ms`. */
  async stop(ms: number): Promise<void> {
    this.ending.abort();
    this.forget();
    for (const pull of this.pulls) pull.stop();
    for (const desk of this.desks.values())
      for (const arrival of desk.clear()) this.acks.nak(arrival, GIVEN_BACK_MS);
    await Promise.all([...this.desks.values()].map((desk) => desk.idle(ms)));
    clearInterval(this.timer);
  }

  private allPulls(): readonly Pull[] {
    const { service } = this.ports;
    return [...this.desks].flatMap(([topic, desk]) => [
      ...MESSAGE_PRIORITIES.map((priority) =>
        this.pullOf(
          topic,
          () => this.consumerOf(topic, priority),
          () => desk.room(priority),
        ),
      ),
      this.pullOf(
        topic,
        () => redrivenConsumer(service, topic),
        () => roomForRedriven(desk),
      ),
    ]);
  }

  /** Of a queue all its services share one. */
  private consumerOf(topic: string, priority: MessagePriority): string {
    if (this.shared.has(topic)) return queueConsumer(topic, priority);
    return messageConsumer(this.ports.service, topic, priority);
  }

  private pullOf(topic: string, consumer: () => string, room: () => number): Pull {
    return new Pull({
      link: this.ports.link,
      stream: MESSAGE_STREAM,
      consumer,
      room,
      onMessage: (message) => this.arrived(message),
      onRefused: (delayMs) =>
        this.ports.tell({ type: 'too-many-wait', topic, consumer: consumer(), delayMs }),
      onTrouble: () => this.bind(),
    });
  }

  private arrived(message: RawMessage): void {
    // Between two lives of the stream nobody knows of which one it is: it comes again.
    if (this.created === undefined) return;
    const arrival = arrivalOf(message, this.created);
    if (!arrival) return;
    const desk = this.desks.get(arrival.topic);
    if (desk && !this.ending.signal.aborted) desk.add(arrival);
    else this.acks.nak(arrival, desk ? GIVEN_BACK_MS : UNKNOWN_TOPIC_MS);
  }

  private pull(): void {
    for (const each of this.pulls) each.pull();
  }

  private giveSigns(): void {
    for (const desk of this.desks.values())
      for (const arrival of desk.all()) this.acks.working(arrival);
    for (const each of this.pulls) each.checkSilence();
  }

  /** The connection is another one, or a consumer has gone: the stream may be another one too. */
  private bind(): void {
    this.acks.doubt();
    for (const each of this.pulls) each.pause();
    if (this.ending.signal.aborted) return;
    this.isAskedAgain = true;
    this.binding ??= this.untilBound()
      .catch((defect: unknown) => this.ports.onDefect('subscriptions', defect))
      .finally(() => (this.binding = undefined));
  }

  private async untilBound(): Promise<void> {
    const { signal } = this.ending;
    const sinceMs = performance.now() - this.boundAt;
    if (sinceMs < BIND_EVERY_MS) await pause(BIND_EVERY_MS - sinceMs, signal);
    for (let tries = 1; this.isAskedAgain && !signal.aborted;) {
      this.isAskedAgain = false;
      try {
        const bound = await this.desk.subscribe([...this.desks.keys()]);
        if (!this.isAskedAgain) this.bound(bound);
        tries = 1;
      } catch (fault) {
        if (!(fault instanceof SuiteSilent) && !(fault instanceof SuiteRefused)) throw fault;
        this.isAskedAgain = true;
        const delayMs = backOffMs(tries++, ASK_AGAIN_FIRST_MS, ASK_AGAIN_MAX_MS);
        this.ports.tell({ type: 'not-subscribed-yet', reason: reasonOf(fault), delayMs });
        await pause(delayMs, signal);
      }
    }
  }

  private bound({ created, shared, deliveriesMax }: Bound): void {
    this.shared = shared;
    for (const [topic, limit] of this.limits) limit.deliveriesMax = deliveriesMax.get(topic);
    const isNewStream = this.created !== undefined && this.created !== created;
    this.created = created;
    this.boundAt = performance.now();
    this.acks.know(created);
    if (this.ending.signal.aborted) return;
    for (const each of this.pulls) each.start();
    this.ports.tell({ type: 'subscribed', isNewStream });
  }
}

function roomForRedriven(desk: TopicDesk): number {
  let room = REDRIVEN_MAX;
  for (const { isRedriven } of desk.all()) if (isRedriven) room--;
  return Math.max(0, room);
}
