import { hash } from 'node:crypto';
import { commandSubject, observabilityContract } from '@downbeat/contracts';
import { Fault, type JsonObject } from '@downbeat/eventsourcing';
import { MessageBus, newTraceparent, type CommandOutcome } from '@downbeat/message-bus';
import {
  spanBatches,
  type HandedResource,
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

  /**
   * Returns when the spans are committed. Handing over the same ones again changes nothing.
   *
   * @throws {RequestRefused} They could not be kept now.
   */
  async take(resources: readonly HandedResource[]): Promise<TakenSpans> {
    const { batches, rejected, misfit } = spanBatches(
      resources,
      this.clock.now() * 1_000,
      (span) => JSON.stringify(span).length,
    );
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
    const outcome = await this.send(id, { resources });
    if (outcome.accepted) return undefined;
    const { kind, message } = outcome.problem;
    if (kind === 'unavailable') throw new RequestRefused(503, message, RETRY_AFTER_SECONDS);
    return { spans: batch.reduce((sum, { spans }) => sum + spans.length, 0), message };
  }

  private async send(id: string, body: JsonObject): Promise<CommandOutcome> {
    try {
      return await this.bus.command(commandSubject(recordSpans, id), body, {
        id,
        timeoutMs: TIMEOUT_MS,
        actor: 'otlp',
        traceparent: newTraceparent().slice(0, -UNSAMPLED.length) + UNSAMPLED,
      });
    } catch (fault) {
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
