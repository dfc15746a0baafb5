import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HandedResource } from '@downbeat/observability-domain';
import { Controller, Post, Req, Res } from '@nestjs/common';
import { SpanMetrics } from '../metering/span-metrics';
import { readBody, RequestAborted, unpacked } from './body';
import {
  exportResponse,
  SPANS_HEADER,
  spansHeader,
  statusResponse,
  type OtlpType,
} from './export-response';
import { Ingest } from './ingest';
import { Intake } from './intake';
import { jsonRequest } from './json-request';
import { MalformedRequest } from './malformed-request';
import { protobufRequest } from './protobuf-request';
import { RequestRefused } from './request-refused';
import { Turns } from './turns';

/** Of google.rpc.Code, for each status that is answered. */
const CODES = { 400: 3, 413: 3, 415: 3, 429: 8, 503: 14 } as const;

/**
 * OTLP over HTTP: where the exporters of any OpenTelemetry SDK send their spans. What is answered with
 * 200 is committed to the log, but for what is undecided while a share of the traces is sampled.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
@Controller('v1/traces')
export class OtlpController {
  private readonly turns = new Turns();

  constructor(
    private readonly ingest: Ingest,
    private readonly intake: Intake,
    private readonly metrics: SpanMetrics,
  ) {}

  @Post()
  async traces(@Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
    const type = typeOf(request);
    try {
      const taken = await this.intake.admit(request.socket.remoteAddress ?? '', async (place) => {
        const body = await readBody(request, place);
        const batches = await this.turns.take(
          () => response.destroyed,
          async () => this.ingest.batchesOf(handedOver(await unpacked(body, place), type)),
        );
        return this.ingest.take(batches);
      });
      response.setHeader(SPANS_HEADER, spansHeader(taken));
      this.metrics.answered(200);
      send(response, 200, exportResponse(taken, type ?? 'application/json'), type);
    } catch (fault) {
      if (fault instanceof RequestAborted) return;
      const refusal = asRefusal(fault);
      const { status, message, retryAfterSeconds } = refusal;
      if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', retryAfterSeconds);
      this.metrics.answered(status);
      // What is left of its body nobody reads.
      if (!request.complete) response.setHeader('Connection', 'close');
      send(
        response,
        status,
        statusResponse(CODES[status], message, type ?? 'application/json'),
        type,
      );
    }
  }
}

function typeOf({ headers }: IncomingMessage): OtlpType | undefined {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  switch (type.trim().toLowerCase()) {
    case 'application/x-protobuf':
      return 'application/x-protobuf';
    case 'application/json':
      return 'application/json';
    default:
      return undefined;
  }
}

function handedOver(body: Buffer, type: OtlpType | undefined): readonly HandedResource[] {
  switch (type) {
    case 'application/x-protobuf':
      return protobufRequest(body);
    case 'application/json':
      return jsonRequest(body.toString('utf8'));
    case undefined:
      throw new RequestRefused(
        415,
        'Content-Type must be application/x-protobuf or application/json',
      );
  }
}

/** @throws What is a fault of ours. */
function asRefusal(fault: unknown): RequestRefused {
  if (fault instanceof RequestRefused) return fault;
  if (fault instanceof MalformedRequest) return new RequestRefused(400, fault.message);
  throw fault;
}

function send(
  response: ServerResponse,
  status: number,
  body: Buffer,
  type: OtlpType | undefined,
): void {
  response.writeHead(status, {
    'Content-Type': type ?? 'application/json',
    'Content-Length': body.length,
  });
  response.end(body);
}
