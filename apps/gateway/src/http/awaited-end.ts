import { sagaContract } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';
import type { Request } from 'express';
import { invalidParameter } from './query-string';

const WAIT_SECONDS_MAX = 60;
/** Who comes when so many wait is answered at once, which a preference allows. */
const WAITING_MAX = 2_000;

/**
 * How long the client is willing to wait for the end of what it starts: `?wait=10s`, or the header
 * `Prefer: wait=10` (RFC 7240).
 *
 * @returns Milliseconds; undefined when it does not want to wait.
 */
export function waitOf(
  request: Request,
  parameter: string | undefined,
): number | undefined | Rejection {
  const preference = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/i.exec(
    String(request.headers.prefer ?? ''),
  );
  const text = parameter ?? preference?.[1];
  if (text === undefined) return undefined;
  const seconds = /^(\d{1,4})s?$/.exec(text)?.[1];
  if (seconds === undefined || Number(seconds) > WAIT_SECONDS_MAX)
    return invalidParameter(
      'wait',
      `must be whole seconds, at most ${WAIT_SECONDS_MAX}, such as 10s`,
    );
  return Number(seconds) * 1_000;
}

let waiting = 0;

/**
 * The end of a run, told over core NATS. Made before the run is started, so that no end comes too
 * early to be heard.
 */
export class AwaitedEnd {
  private readonly told: Promise<void>;
  private readonly unsubscribe: () => void;
  private timer: NodeJS.Timeout | undefined;
  private giveUp: () => void = () => undefined;

  private constructor(bus: Pick<MessageBus, 'onHint'>, correlationId: string) {
    let tell: () => void = () => undefined;
    this.told = new Promise((resolve) => (tell = resolve));
    this.unsubscribe = bus.onHint(sagaContract.runEndedSubject(correlationId), () => tell());
  }

  /** @returns Undefined when too many wait already. */
  static of(bus: Pick<MessageBus, 'onHint'>, correlationId: string): AwaitedEnd | undefined {
    if (waiting >= WAITING_MAX) return undefined;
    waiting++;
    return new AwaitedEnd(bus, correlationId);
  }

  /** Returns when the run has ended, or after `ms`, or when nobody wants to know any more. */
  async within(ms: number): Promise<void> {
    const late = new Promise<void>((resolve) => {
      this.giveUp = resolve;
      this.timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.told, late]);
  }

  /** To be called once. */
  stop(): void {
    waiting--;
    clearTimeout(this.timer);
    this.giveUp();
    this.unsubscribe();
  }
}
