import {
  DEADLINE_HEADER,
  monotonicMs,
  Refusal,
  type AttemptContext,
  type ProxyRequest,
  type Transport,
} from '@downbeat/resilience';
import { Agent, type Dispatcher } from 'undici';
import { HttpExchange, type RawAnswer } from './http-exchange';
import type { InstanceEndpoint } from './instances';
import { settledWithin } from '../pause';

export interface HttpRequest extends ProxyRequest {
  /** Sent as it is; JSON, unless the headers say otherwise. */
  readonly body?: string;
}

export type HttpAnswer = RawAnswer;

/** An answer that says that it did not work: a status of 400 and above. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';
  readonly code = 'sdk/http-refusal';

  constructor(
    readonly status: number,
    readonly body: string,
    readonly retryAfterMs: number | undefined,
  ) {
    super(detailOf(body) ?? `HTTP ${status}`);
  }
}

/** Given up as the service stops: what became of it is not known. */
class CallAbandoned extends Error {
  override readonly name = 'CallAbandoned';
  readonly code = 'sdk/call-abandoned';
}

const ANSWER_BYTES_MAX = 1_048_576;
const CONNECT_TIMEOUT_MS = 2_000;
const CONNECTIONS_MAX = 64;
/** A connection that nobody uses is closed, before servers do that at a bad moment. */
export const IDLE_MS = 4_000;

/** Calls instances over HTTP, over connections that are used again. */
export class HttpTransport {
  private readonly agent = new Agent({
    connections: CONNECTIONS_MAX,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: IDLE_MS,
    maxResponseSize: ANSWER_BYTES_MAX,
    // An attempt has its time in the wheel, from its beginning to the last byte: none of its own for each part.
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  private readonly underWay = new Set<HttpExchange>();
  private isClosing = false;

  readonly send: Transport<InstanceEndpoint, HttpRequest, HttpAnswer> = async (
    { url },
    { method, path, headers, body },
    context,
  ) => {
    if (this.isClosing) throw new Refusal('resilience/aborted', 'the service has stopped');
    const left = context.deadline.headerText(monotonicMs());
    const request = {
      origin: url,
      path,
      method: method as Dispatcher.HttpMethod,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
        ...(left === undefined ? {} : { [DEADLINE_HEADER]: left }),
      },
      ...(body === undefined ? {} : { body }),
    };
    const answer = await this.exchanged(request, context);
    if (answer.status < 400) return answer;
    throw new HttpRefusal(answer.status, answer.body, retryAfterMs(answer.headers['retry-after']));
  };

  private exchanged(
    request: Dispatcher.DispatchOptions,
    context: AttemptContext,
  ): Promise<RawAnswer> {
    return new Promise<RawAnswer>((resolve, reject) => {
      const exchange = new HttpExchange(
        (answer) => {
          this.underWay.delete(exchange);
          resolve(answer);
        },
        (failure) => {
          this.underWay.delete(exchange);
          reject(failure as Error);
        },
      );
      this.underWay.add(exchange);
      context.onGivenUp((reason) => exchange.giveUp(reason));
      this.agent.dispatch(request, exchange);
    });
  }

  /** Lets the calls under way end for `ms`, and gives up those that have not. */
  async close(ms: number): Promise<void> {
    this.isClosing = true;
    const closed = this.agent.close();
    if (await settledWithin(ms, closed)) return;
    for (const exchange of this.underWay)
      exchange.giveUp(new CallAbandoned('the service has stopped'));
    // One that waits for a connection has it by then, or none.
    await settledWithin(CONNECT_TIMEOUT_MS, closed);
  }
}

function retryAfterMs(header: string | readonly string[] | undefined): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
}

/** Of a problem (RFC 9457). */
function detailOf(body: string): string | undefined {
  try {
    const said = JSON.parse(body) as { readonly detail?: unknown } | null;
    return typeof said?.detail === 'string' ? said.detail.slice(0, 300) : undefined;
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    return undefined;
  }
}
