import {
  BusUnavailable,
  InvalidSubject,
  MessageBus,
  MessageTooLarge,
  NoAnswer,
  RequestHeldBack,
} from '@downbeat/message-bus';
import type { CallEffect, CallResult } from '@downbeat/saga-domain';
import { Injectable } from '@nestjs/common';
import { CallableSubjects, NATS_SCHEME } from './callable-subjects';
import {
  callHeaders,
  messageOf,
  resultOfBody,
  TargetCaller,
  type CallContext,
} from './target-caller';

/** How NATS services say that a request failed (NATS ADR-32). */
const ERROR_CODE = 'Nats-Service-Error-Code';
const ERROR_TEXT = 'Nats-Service-Error';

/** Calls a participant over NATS request/reply: about half the work of HTTP. */
@Injectable()
export class NatsTarget extends TargetCaller {
  constructor(
    private readonly bus: MessageBus,
    private readonly subjects: CallableSubjects,
  ) {
    super();
  }

  async call(effect: CallEffect, context: CallContext): Promise<CallResult | undefined> {
    const subject = effect.endpoint.slice(NATS_SCHEME.length);
    // Registered under another setting, or by a release that did not look.
    const refusal = this.subjects.refusalOf(subject);
    if (refusal !== undefined) return { kind: 'refused', message: refusal };
    try {
      const reply = await this.bus.request(subject, JSON.stringify(effect.input), {
        headers: callHeaders(effect, context),
        timeoutMs: effect.timeoutMs,
        ...(context.mayCall === undefined ? {} : { maySend: context.mayCall }),
      });
      const code = reply.headers[ERROR_CODE];
      if (code === undefined) return resultOfBody(reply.body);
      const status = Number(code) || 500;
      return {
        kind: 'answer',
        status,
        message: reply.headers[ERROR_TEXT] ?? messageOf(reply.body),
      };
    } catch (fault) {
      if (fault instanceof RequestHeldBack) return undefined;
      if (isUnsent(fault)) return { kind: 'refused', message: fault.message };
      if (!(fault instanceof NoAnswer)) throw fault;
      return fault.why === 'nobody-answers'
        ? { kind: 'refused', message: `nobody listens on ${subject}` }
        : { kind: 'timeout', message: `no reply within ${effect.timeoutMs} ms` };
    }
  }
}

const isUnsent = (fault: unknown): fault is BusUnavailable | MessageTooLarge | InvalidSubject =>
  fault instanceof BusUnavailable ||
  fault instanceof MessageTooLarge ||
  fault instanceof InvalidSubject;
