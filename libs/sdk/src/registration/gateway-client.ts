const ANSWER_BYTES_MAX = 65_536;

export interface GatewayAnswer {
  readonly status: number;
  readonly body: string;
  /** What the gateway asks to wait before the next try. */
  readonly retryAfterMs: number | undefined;
}

export interface GatewayCall {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/orchestration`. */
  readonly path: string;
  readonly body?: unknown;
  /** The same for every repetition of one request, so that it takes effect once. */
  readonly idempotencyKey: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The gateway gave no answer; whether it got the request is unknown. */
export class GatewayUnreachable extends Error {
  override readonly name = 'GatewayUnreachable';
  readonly code = 'sdk/gateway-unreachable';
}

/** The gateway's REST API, one request at a time. */
export class GatewayClient {
  private readonly base: string;

  /** @throws {TypeError} `gatewayUrl` is not a URL. */
  constructor(gatewayUrl: string) {
    this.base = `${new URL(gatewayUrl).href.replace(/\/+$/, '')}/api/orchestration`;
  }

  /** @throws {GatewayUnreachable} */
  async call(call: GatewayCall): Promise<GatewayAnswer> {
    const ending = new AbortController();
    const end = (): void => ending.abort();
    // One controller a call: `AbortSignal.any` over a signal that lives as long as the process leaks on Node 20.
    const timer = setTimeout(end, call.timeoutMs);
    call.signal.addEventListener('abort', end, { once: true });
    if (call.signal.aborted) end();
    try {
      const response = await fetch(this.base + call.path, {
        method: call.method,
        headers: {
          'content-type': 'application/json',
          'idempotency-key': call.idempotencyKey,
        },
        body: call.body === undefined ? null : JSON.stringify(call.body),
        redirect: 'error',
        signal: ending.signal,
      });
      const retryAfterS = Number(response.headers.get('retry-after') ?? Number.NaN);
      return {
        status: response.status,
        body: await boundedText(response),
        retryAfterMs: Number.isFinite(retryAfterS) ? retryAfterS * 1_000 : undefined,
      };
    } catch (fault) {
      const isLate = ending.signal.aborted && !call.signal.aborted;
      const reason = isLate ? `timed out after ${call.timeoutMs} ms` : reasonOf(fault);
      throw new GatewayUnreachable(reason, { cause: fault });
    } finally {
      clearTimeout(timer);
      call.signal.removeEventListener('abort', end);
    }
  }
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  if (!response.body) return text;
  for await (const chunk of response.body) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > ANSWER_BYTES_MAX) throw new RangeError('the answer is too long');
  }
  return text;
}

/** `fetch` hides the reason in the cause: `fetch failed`, because of `ECONNREFUSED`. */
function reasonOf(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault);
  const { cause } = fault;
  return cause instanceof Error ? `${fault.message}: ${cause.message}` : fault.message;
}
