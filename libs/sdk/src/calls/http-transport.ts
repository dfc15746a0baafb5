import {
  DEADLINE_HEADER,
  monotonicMs,
  type ProxyRequest,
  type Transport,
} from '@downbeat/resilience';
import { Agent, type Dispatcher } from 'undici';
import type { InstanceEndpoint } from './instances';

export interface HttpRequest extends ProxyRequest {
  /** Sent as it is; JSON, unless the headers say otherwise. */
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

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

const ANSWER_BYTES_MAX = 1_048_576;
const CONNECT_TIMEOUT_MS = 2_000;
const CONNECTIONS_MAX = 64;

/** Calls instances over HTTP, over connections that are used again. */
export class HttpTransport {
  private readonly agent = new Agent({
    connections: CONNECTIONS_MAX,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    maxResponseSize: ANSWER_BYTES_MAX,
  });

  readonly send: Transport<InstanceEndpoint, HttpRequest, HttpAnswer> = async (
    { url },
    { method, path, headers, body },
    { deadline, signal },
  ) => {
    const left = deadline.headerText(monotonicMs());
    const response = await this.agent.request({
      origin: url,
      path,
      method: method as Dispatcher.HttpMethod,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
        ...(left === undefined ? {} : { [DEADLINE_HEADER]: left }),
      },
      ...(body === undefined ? {} : { body }),
      signal,
    });
    const text = await response.body.text();
    const { statusCode: status } = response;
    if (status < 400) return { status, headers: response.headers, body: text };
    throw new HttpRefusal(status, text, retryAfterMs(response.headers['retry-after']));
  };

  async close(): Promise<void> {
    await this.agent.close();
  }
}

function retryAfterMs(header: string | string[] | undefined): number | undefined {
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
