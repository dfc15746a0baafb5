import { hash } from 'node:crypto';
import { commandSubject, observabilityContract, utf8Bytes } from '@downbeat/contracts';
import { Fault, type JsonObject } from '@downbeat/eventsourcing';
import {
  MessageBus,
  MessageTooLarge,
  newTraceparent,
  type CommandOutcome,
} from '@downbeat/message-bus';
import {
  spanBatches,
  type HandedResource,
  type SpanBatches,
  type SpansOfResource,
} from '@downbeat/observability-domain';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import type { TakenSpans } from './export-response';
import { RequestRefused } from './request-refused';

const { recordSpans } = observabilityContract;

/** Exporters wait for ten seconds; what is answered later is sent again anyway. */
const TIMEOUT_MS = 8_000;
const RETRY_AFTER_SECONDS = 5;
const BATCH_ID_LENGTH = 32;
/** A trace of what takes traces in would never end. */
const UNSAMPLED = '00';

/** Has spans recorded: on the stream of commands, and through it in the log. */
@Injectable()
export class Ingest {
  constructor(
    private readonly bus: MessageBus,
    private readonly clock: Clock,
  ) {}

  batchesOf(resources: readonly HandedResource[]): SpanBatches {
    return spanBatches(resources, this.clock.now() * 1_000, (value) =>
      utf8Bytes(JSON.stringify(value)),
    );
  }

  /**
   * What is kept of a request, once it is committed. Handing over the same again changes nothing.
   *
   * @throws {RequestRefused} It could not be kept now.
   */
  async take({ batches, rejected, misfit }: SpanBatches): Promise<TakenSpans> {
    const refusals = await Promise.all(batches.map((batch) => this.record(batch)));
    const refused = refusals.filter((one) => one !== undefined);
    return {
      rejected: refused.reduce((sum, { spans }) => sum + spans, rejected),
      message: [...(misfit ? [`${misfit.field} ${misfit.message}`] : []), ...refused.map(reasonOf)]
        .slice(0, 1)
        .join(),
    };
  }

  /** @returns How many spans were refused, and why; undefined when the batch is kept. */
  private async record(batch: readonly SpansOfResource[]): Promise<Refused | undefined> {
    const resources = batch as unknown as JsonObject[];
    // The same content is the same batch: an exporter that got no answer sends it again.
    const id = hash('sha256', JSON.stringify(resources)).slice(0, BATCH_ID_LENGTH);
    const spans = batch.reduce((sum, one) => sum + one.spans.length, 0);
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
        traceparent: newTraceparent().slice(0, -UNSAMPLED.length) + UNSAMPLED,
      });
    } catch (fault) {
      // Sending it again would not make it smaller: its spans are refused, and the others are kept.
      if (fault instanceof MessageTooLarge) return fault;
      if (!(fault instanceof Fault) || fault.remedy !== 'retry') throw fault;
      throw new RequestRefused(503, fault.message, RETRY_AFTER_SECONDS);
    }
  }
}

interface Refused {
  readonly spans: number;
  readonly message: string;
}

const reasonOf = ({ message }: Refused): string => message;
