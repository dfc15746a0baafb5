import { hash } from 'node:crypto';
import { commandSubject, observabilityContract } from '@downbeat/contracts';
import { Fault, type JsonObject } from '@downbeat/eventsourcing';
import {
  MessageBus,
  MessageTooLarge,
  newTraceparent,
  type CommandOutcome,
} from '@downbeat/message-bus';
import type { SpansOfResource } from '@downbeat/observability-domain';
import { Injectable } from '@nestjs/common';
import { RequestRefused } from './request-refused';

const { recordSpans } = observabilityContract;

/** Exporters wait for ten seconds; what is answered later is sent again anyway. */
const TIMEOUT_MS = 8_000;
const RETRY_AFTER_SECONDS = 5;
const BATCH_ID_LENGTH = 32;
/** A trace of what takes traces in would never end. */
const UNSAMPLED = '00';

export const unsampledTraceparent = (): string =>
  newTraceparent().slice(0, -UNSAMPLED.length) + UNSAMPLED;

/** Spans that are not kept, and never will be. */
export interface Refused {
  readonly spans: number;
  readonly message: string;
}

export const spansIn = (batch: readonly SpansOfResource[]): number =>
  batch.reduce((sum, { spans }) => sum + spans.length, 0);

/** Has a batch recorded: on the stream of commands, and through it in the log. */
@Injectable()
export class SpanRecorder {
  constructor(private readonly bus: MessageBus) {}

  /**
   * @returns Undefined when the batch is committed.
   * @throws {RequestRefused} It could not be kept now. Handing it over again keeps it once.
   */
  async record(batch: readonly SpansOfResource[]): Promise<Refused | undefined> {
    const resources = batch as unknown as JsonObject[];
    // The same content is the same batch: an exporter that got no answer sends it again.
    const id = hash('sha256', JSON.stringify(resources)).slice(0, BATCH_ID_LENGTH);
    const spans = spansIn(batch);
    const outcome = await this.send(id, { resources });
    if (outcome instanceof MessageTooLarge) return { spans, message: outcome.message };
    if (outcome.accepted) return undefined;
    const { kind, message } = outcome.problem;
    if (kind === 'unavailable') throw new RequestRefused(503, message, RETRY_AFTER_SECONDS);
    return { spans, message };
  }

  private async send(id: string, body: JsonObject): Promise<CommandOutcome | MessageTooLarge> {
    try {
      return await this.bus.command(commandSubject(recordSpans, id), body, {
        id,
        timeoutMs: TIMEOUT_MS,
        actor: 'otlp',
        traceparent: unsampledTraceparent(),
      });
    } catch (fault) {
      // Sending it again would not make it smaller: its spans are refused, and the others are kept.
      if (fault instanceof MessageTooLarge) return fault;
      if (!(fault instanceof Fault) || fault.remedy !== 'retry') throw fault;
      throw new RequestRefused(503, fault.message, RETRY_AFTER_SECONDS);
    }
  }
}
