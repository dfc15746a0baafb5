import { Fault } from '@downbeat/eventsourcing';
import { LRUCache } from 'lru-cache';
import { backOffMs, type BackOff } from '../back-off';
import type { BusLog } from '../bus-log';
import type { BusMetrics } from '../bus-metrics';
import type { CommandOutcome, Problem } from '../command-outcome';
import { deadLetterId, redriveOf, type DeadLetter, type DeadLetters } from '../dead-letters';
import { HEADER } from '../headers';
import type { Delivery, Subscription } from '../message-bus';
import { oneLine, reasonOf } from '../one-line';
import { deadLetter, retry, type Settlement } from '../settlement';
import { inConsumerSpan, inStory, storyOfMessage, type Story } from '../tracing';
import { idOfMalformed, MalformedMessage, placeOf, type Arrival } from './arrival';
import { within } from './within';

/** How much longer than its back-off later messages of a key wait for one that was put back. */
const COMING_BACK_MS = 1_000;
const EXCUSED_MAX = 10_000;

export const HANDLER_TIMEOUT_MS = 60_000;
export const DELIVERIES_MAX = 10;

export interface SettlerOptions {
  readonly subscription: Subscription;
  readonly deadLetters: DeadLetters;
  readonly backOff: BackOff;
  readonly metrics: BusMetrics;
  readonly log: BusLog;
  readonly random: () => number;
}

/** A message and what it says, or why it says nothing. */
export interface Received {
  readonly sequence: number;
  readonly arrival: Arrival;
  readonly delivery: Delivery | MalformedMessage;
}

interface Verdict {
  readonly settlement: Settlement;
  /** The handler's: what becomes of the message is found with what was done for it. */
  readonly story: Story;
}

/** Runs the handler for one message and makes true what it said. Never throws: a consume loop hangs on it. */
export class Settler {
  /** Deliveries that were not the message's own doing: it was put back to make room. */
  private readonly excused = new LRUCache<string, number>({ max: EXCUSED_MAX });

  constructor(private readonly options: SettlerOptions) {}

  excuse(arrival: Arrival): void {
    const place = placeOf(arrival);
    this.excused.set(place, (this.excused.get(place) ?? 0) + 1);
  }

  /** @returns For how long later messages of the key should wait for this one; undefined: it is settled. */
  async settle(received: Received): Promise<number | undefined> {
    const { metrics, log } = this.options;
    metrics.handling++;
    try {
      const { settlement, story } = await this.verdict(received);
      return await inStory(story, () => this.carryOut(received, settlement));
    } catch (fault) {
      metrics.settleFailures++;
      log.error('a settlement failed', { ...this.about(received), err: fault });
      return this.letGo(received);
    } finally {
      metrics.handling--;
    }
  }

  private async verdict({ arrival, delivery }: Received): Promise<Verdict> {
    const { subscription, metrics } = this.options;
    if (delivery instanceof MalformedMessage) {
      metrics.malformed++;
      const settlement = deadLetter(delivery.reason, refusal(delivery.problem));
      return { settlement, story: storyOfMalformed(arrival) };
    }
    const attempts = this.attemptsOf(arrival);
    const attemptsMax = subscription.deliveriesMax ?? DELIVERIES_MAX;
    if (attempts > attemptsMax) {
      const reason = `delivered ${attempts} times without an end, at most ${attemptsMax} allowed`;
      const story = storyOfMessage(delivery.headers, delivery.id);
      return { settlement: deadLetter(reason), story };
    }
    const { settlement, story } = await this.handle(delivery);
    if (settlement.outcome !== 'retry' || attempts < attemptsMax) return { settlement, story };
    const reason = `gave up after ${attempts} deliveries: ${settlement.reason}`;
    return { settlement: deadLetter(reason), story };
  }

  private async handle(delivery: Delivery): Promise<Verdict> {
    const { subscription, metrics, log } = this.options;
    const timeoutMs = subscription.handlerTimeoutMs ?? HANDLER_TIMEOUT_MS;
    const destination = delivery.subject.split('.').slice(0, 3).join('.');
    let story = storyOfMessage(delivery.headers, delivery.id);
    try {
      const settlement = await within(timeoutMs, () =>
        inConsumerSpan(delivery.headers, destination, delivery.id, (own) => {
          story = own;
          return subscription.handle({ ...delivery, traceparent: own.traceparent });
        }),
      );
      if (settlement !== undefined) return { settlement, story };
      metrics.handlerTimeouts++;
      return { settlement: retry(`the handler did not end within ${timeoutMs} ms`), story };
    } catch (fault) {
      const reason = reasonOf(fault);
      log.warn('a handler threw', { durable: subscription.durable, id: delivery.id, err: fault });
      const isFinal = fault instanceof Fault && fault.remedy === 'give-up';
      return { settlement: isFinal ? deadLetter(reason) : retry(reason), story };
    }
  }

  private async carryOut(received: Received, settlement: Settlement): Promise<number | undefined> {
    const { arrival } = received;
    const { metrics, deadLetters } = this.options;
    switch (settlement.outcome) {
      case 'done': {
        const redriven = arrival.headers[HEADER.deadLetter];
        if (redriven) await deadLetters.resolve(redriven);
        arrival.answer(settlement.answer ?? { ...ACCEPTED });
        arrival.ack();
        metrics.done++;
        return undefined;
      }
      case 'retry':
        metrics.retried++;
        return this.putBack(arrival, settlement.delayMs);
      case 'dead-letter':
        return this.quarantine(received, settlement.reason, settlement.answer);
    }
  }

  private async quarantine(
    received: Received,
    reason: string,
    answer: CommandOutcome | undefined,
  ): Promise<number | undefined> {
    const { arrival } = received;
    const { metrics, log, deadLetters } = this.options;
    const letter = this.letterOf(received, oneLine(reason));
    try {
      await deadLetters.quarantine(letter);
    } catch (fault) {
      metrics.quarantineFailures++;
      log.error('a message could not be quarantined and stays', {
        ...this.about(received),
        err: fault,
      });
      return this.putBack(arrival);
    }
    metrics.quarantined++;
    log.warn('a message was quarantined', { ...this.about(received), reason: letter.reason });
    arrival.answer(answer ?? refusal(SET_ASIDE));
    arrival.ack();
    return undefined;
  }

  /** Without an answer to it, the server gives the message out again by itself. */
  private letGo(received: Received): number {
    try {
      return this.putBack(received.arrival);
    } catch (fault) {
      const facts = { ...this.about(received), reason: reasonOf(fault) };
      this.options.log.warn('a message could not be put back', facts);
      return COMING_BACK_MS;
    }
  }

  private putBack(arrival: Arrival, askedMs?: number): number {
    const { backOff, random } = this.options;
    const ownMs = backOffMs(backOff, this.attemptsOf(arrival), random());
    // Deliveries are counted: a handler that asks for a second each time must not use them up in ten.
    const delayMs = Math.max(askedMs ?? 0, ownMs);
    // Zero would be a bare nak, which the server answers with an immediate redelivery.
    const bounded = Math.max(1, Math.round(delayMs));
    arrival.nak(bounded);
    return bounded + COMING_BACK_MS;
  }

  private attemptsOf(arrival: Arrival): number {
    return Math.max(1, arrival.deliveries - (this.excused.get(placeOf(arrival)) ?? 0));
  }

  private letterOf({ arrival, delivery }: Received, reason: string): DeadLetter {
    const { stream, streamCreated, sequence, headers, subject, body } = arrival;
    const { durable } = this.options.subscription;
    const id = delivery instanceof MalformedMessage ? idOfMalformed(arrival) : delivery.id;
    const redrive = redriveOf(headers);
    return {
      id: headers[HEADER.deadLetter] ?? deadLetterId(stream, streamCreated, sequence, durable),
      subject,
      consumer: durable,
      message_id: id,
      reason,
      attempts: this.attemptsOf(arrival),
      headers,
      body,
      correlation_id: delivery instanceof MalformedMessage ? id : delivery.correlationId,
      ...(redrive !== undefined && { redrive }),
    };
  }

  private about({ arrival }: Received): Readonly<Record<string, unknown>> {
    const { stream, sequence, subject, deliveries } = arrival;
    return { durable: this.options.subscription.durable, stream, sequence, subject, deliveries };
  }
}

/** Its other headers may be what is wrong with it. */
function storyOfMalformed(arrival: Arrival): Story {
  const { [HEADER.traceparent]: traceparent = '' } = arrival.headers;
  return storyOfMessage({ [HEADER.traceparent]: traceparent }, idOfMalformed(arrival));
}

const ACCEPTED: CommandOutcome = { accepted: true, position: 0, answer: {}, repeated: false };

const SET_ASIDE: Problem = {
  code: 'message-bus/dead-lettered',
  message: 'the message could not be handled and was set aside',
  kind: 'internal',
  hint: 'an operator can see the reason among the dead letters and send it again',
};

const refusal = (problem: Problem): CommandOutcome => ({ accepted: false, problem });
