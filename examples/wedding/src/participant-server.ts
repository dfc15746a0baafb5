import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallLog } from './call-log';
import { PlantedFaults, readFault, type Fault } from './faults';
import { Ledger, type Answer } from './ledger';
import type { Input, Participant } from './participant';

const BODY_BYTES_MAX = 65_536;
const LOG_PAGE_MAX = 10_000;
/** How long a call that is made to hang keeps its connection. */
const HANG_MS = 600_000;

/** A participant behind HTTP: its operations, and what tests look at and plant. */
export class ParticipantServer {
  private readonly ledger: Ledger;
  private readonly faults = new PlantedFaults();
  private readonly server: Server;

  constructor(
    private readonly participant: Participant,
    private readonly log: CallLog,
  ) {
    this.ledger = new Ledger(participant, log);
    this.server = createServer((request, response) => this.receive(request, response));
  }

  /** @returns The port it listens on: a free one when `port` is 0. */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends all connections, also those that are made to hang. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
    });
    request.on('end', () => {
      if (bytes > BODY_BYTES_MAX)
        return send(response, problem(413, 'body-too-large', 'the body is longer than 64 KiB'));
      const input = parse(Buffer.concat(chunks).toString('utf8'));
      if (!input)
        return send(response, problem(400, 'malformed-body', 'the body is no JSON object'));
      this.route(request, response, input);
    });
  }

  private route(request: IncomingMessage, response: ServerResponse, input: Input): void {
    const [pathname = '/', query] = (request.url ?? '/').split('?');
    switch (`${request.method} ${pathname}`) {
      case 'GET /health': {
        const calls = this.log.records.length;
        const answer = {
          status: 200,
          body: { status: 'healthy', service: this.participant.name, calls },
        };
        return this.answer(response, () => answer, this.faults.take('/health', ''));
      }
      case 'GET /state':
        return send(response, ok({ service: this.participant.name, entries: this.ledger.all() }));
      case 'GET /log': {
        const after = Number(new URLSearchParams(query).get('after') ?? 0);
        return send(response, ok({ records: this.log.records.slice(after, after + LOG_PAGE_MAX) }));
      }
      case 'GET /faults':
        return send(response, ok({ faults: this.faults.list() }));
      case 'POST /faults': {
        const wrong = this.faults.plant(input);
        return send(
          response,
          wrong === undefined
            ? { status: 201, body: { faults: this.faults.list() } }
            : problem(400, 'invalid-input', wrong),
        );
      }
      case 'DELETE /faults':
        this.faults.clear();
        return send(response, ok({ faults: [] }));
    }
    if (!this.participant.operations.has(pathname))
      return send(response, problem(404, 'not-found', `there is no ${pathname}`));
    if (request.method !== 'POST')
      return send(response, problem(405, 'method-not-allowed', `${pathname} takes POST`));
    return this.operate(request, response, pathname, input);
  }

  private operate(
    request: IncomingMessage,
    response: ServerResponse,
    operation: string,
    input: Input,
  ): void {
    const key = request.headers['idempotency-key'];
    if (typeof key !== 'string' || key === '')
      return send(response, problem(400, 'key-missing', 'the header Idempotency-Key is missing'));
    const fault =
      faultOfHeader(request, operation) ??
      this.faults.take(operation, String(input['booking_id'] ?? ''));
    const call = (): Answer => this.ledger.call(operation, key, input, fault?.mode);
    switch (fault?.mode) {
      case 'fail':
      case 'hang':
      case 'drop-before': {
        const status = fault.mode === 'fail' ? fault.status : 0;
        this.ledger.recordFailure(operation, key, input, fault.mode, status);
        break;
      }
      case undefined:
      case 'fail-after':
      case 'delay':
      case 'hang-after':
      case 'drop':
      case 'duplicate':
        break;
    }
    this.answer(response, call, fault);
  }

  /** Makes the call and answers it, as far as the fault lets it. */
  private answer(response: ServerResponse, call: () => Answer, fault: Fault | undefined): void {
    switch (fault?.mode) {
      case undefined:
        return send(response, call());
      case 'fail':
        return send(response, failure(fault), fault.retry_after_seconds);
      case 'fail-after':
        call();
        return send(response, failure(fault), fault.retry_after_seconds);
      case 'delay':
        return later(response, fault.delay_ms, () => send(response, call()));
      case 'hang':
        return later(response, HANG_MS, () => response.destroy());
      case 'hang-after':
        call();
        return later(response, HANG_MS, () => response.destroy());
      case 'drop-before':
        response.destroy();
        return;
      case 'drop':
        call();
        response.destroy();
        return;
      case 'duplicate':
        call();
        return send(response, call());
    }
  }
}

/** `x-wedding-fault: drop` or `delay 250`: for this one call. */
function faultOfHeader(request: IncomingMessage, operation: string): Fault | undefined {
  const header = request.headers['x-wedding-fault'];
  if (typeof header !== 'string') return undefined;
  const [mode, delay] = header.split(' ');
  const fault = readFault({ operation, mode, ...(delay && { delay_ms: Number(delay) }) });
  return typeof fault === 'string' ? undefined : fault;
}

/** Does it after a while, unless the caller has gone or the server closes before. */
function later(response: ServerResponse, delayMs: number, act: () => void): void {
  const timer = setTimeout(act, delayMs);
  response.once('close', () => clearTimeout(timer));
}

function parse(text: string): Input | undefined {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Input)
      : undefined;
  } catch (fault) {
    if (fault instanceof SyntaxError) return undefined;
    throw fault;
  }
}

const ok = (body: Answer['body']): Answer => ({ status: 200, body });

const problem = (status: number, code: string, detail: string): Answer => ({
  status,
  body: { code, detail },
});

const failure = (fault: Fault): Answer => problem(fault.status, 'planted-fault', fault.mode);

function send(response: ServerResponse, answer: Answer, retryAfterSeconds?: number): void {
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', retryAfterSeconds);
  response
    .writeHead(answer.status, { 'content-type': 'application/json' })
    .end(JSON.stringify(answer.body));
}
