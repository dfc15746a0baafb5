import { Injectable } from '@nestjs/common';
import { contracts } from '@downbeat/contracts';
import { Fault } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import type { Handler } from './exchange';
import { jsonReply } from './reply';

const ANSWER_TIMEOUT_MS = 1_000;

/** What a context says of itself, or why it says nothing. */
export type ContextStatus =
  | {
      readonly context: string;
      readonly answers: true;
      readonly position: number;
      /** Positions behind the one that is furthest. */
      readonly lag: number;
      readonly data: unknown;
    }
  | { readonly context: string; readonly answers: false; readonly reason: string };

/** Asks every context how it is; silent ones cost a second, all together. */
@Injectable()
export class SuiteStatus {
  constructor(private readonly bus: MessageBus) {}

  readonly handler: Handler = async () => {
    const asked = await Promise.all(Object.keys(contracts).map((context) => this.ask(context)));
    const position = Math.max(0, ...asked.map((one) => (one.answers ? one.position : 0)));
    const contextsNow = asked.map((one) =>
      one.answers ? { ...one, lag: position - one.position } : one,
    );
    const status = asked.every((one) => one.answers) ? 'ok' : 'degraded';
    return jsonReply(200, { status, position, contexts: contextsNow });
  };

  private async ask(context: string): Promise<ContextStatus> {
    try {
      const outcome = await this.bus.query(
        `query.${context}.status`,
        {},
        { timeoutMs: ANSWER_TIMEOUT_MS },
      );
      return outcome.ok
        ? { context, answers: true, position: outcome.position, lag: 0, data: outcome.data }
        : { context, answers: false, reason: outcome.problem.code };
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      return { context, answers: false, reason: fault.code };
    }
  }
}
