import type { Socket } from 'node:net';
import { Agent, type buildConnector } from 'undici';
import { openConnection } from './connection';
import { guardedConnector, systemResolve, type Resolve } from './connector';
import { Exchange, type EgressResponse } from './exchange';
import { CallCancelled, EgressBusy, EgressRefused } from './faults';
import { isRefusal, judgeUrl, refusal, type CheckedUrl, type EgressPolicy } from './policy';

export interface EgressOptions {
  readonly policy: EgressPolicy;
  /** Default: the machine's resolver. */
  readonly resolve?: Resolve;
  /** Calls under way, waiting for a connection included. Default 4,096. */
  readonly callsMax?: number;
  /** Default 256. */
  readonly connectionsPerOriginMax?: number;
  /** Default 4,096. */
  readonly originsMax?: number;
  /** Default 3 s. */
  readonly connectTimeoutMs?: number;
  /** How long an idle connection is kept. Default 4 s: Node's servers close theirs after 5 s. */
  readonly keepAliveMs?: number;
}

export interface EgressRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the call to the last byte of the answer, connecting included. Default 3 s. */
  readonly timeoutMs?: number;
  /** Of the answer's body. Default 64 KiB. */
  readonly bytesMax?: number;
  readonly signal?: AbortSignal;
  /**
   * Asked when the connection is there and the request is written next: looking for it may have taken
   * long, and the process may have slept. False: nothing is sent.
   */
  readonly maySend?: () => boolean;
}

/** The one way out to addresses that somebody else named. Its own Nest injection token. */
export abstract class Egress {
  /**
   * Sends one request and reads the whole answer. Follows no redirect, repeats nothing.
   *
   * @throws {EgressRefused} The policy says no; nothing was sent.
   * @throws {ConnectionRefused} No connection; nothing was sent.
   * @throws {ConnectionBroken} It broke after sending: whether the call was carried out is unknown.
   * @throws {TimedOut} Its `outcome` says whether anything was sent.
   * @throws {ResponseTooLarge} It was answered, at a length nobody reads.
   * @throws {EgressBusy} Too many calls are under way; nothing was sent.
   * @throws {CallCancelled} By `signal`, or because `maySend` said no.
   */
  abstract request(request: EgressRequest): Promise<EgressResponse>;

  /**
   * Opens a plain TCP connection to the host and port of an http URL, for whatever else is spoken
   * there. Whoever asked for it listens to its errors and closes it; it counts as a call until then.
   *
   * @param timeoutMs Default 3 s.
   * @throws {EgressRefused} @throws {ConnectionRefused} @throws {TimedOut} @throws {EgressBusy}
   */
  abstract connect(url: string, timeoutMs?: number): Promise<Socket>;

  /**
   * Judges a URL without calling it. What its name resolves to is judged at each call.
   *
   * @throws {EgressRefused}
   */
  abstract check(url: string): void;

  /** Ends the calls under way, and all connections. */
  abstract close(): Promise<void>;
}

export const createEgress = (options: EgressOptions): Egress => new EgressAgent(options);

const CHECKED_URLS_MAX = 1_000;

/** Framing is the agent's own business: a caller that could set it could smuggle a second request. */
const FRAMING_HEADERS = new Set([
  'host',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'proxy-authorization',
]);

class EgressAgent extends Egress {
  private readonly agent: Agent;
  private readonly connector: buildConnector.connector;
  /** Those that were asked for by `connect`. */
  private readonly sockets = new Set<Socket>();
  private readonly callsMax: number;
  private readonly checkedUrls = new Map<string, CheckedUrl>();
  private callsUnderWay = 0;

  constructor(private readonly options: EgressOptions) {
    super();
    this.callsMax = options.callsMax ?? 4_096;
    const connectTimeoutMs = options.connectTimeoutMs ?? 3_000;
    const { policy, resolve = systemResolve } = options;
    this.connector = guardedConnector(policy, resolve, connectTimeoutMs);
    this.agent = new Agent({
      connect: this.connector,
      connections: options.connectionsPerOriginMax ?? 256,
      maxOrigins: options.originsMax ?? 4_096,
      keepAliveTimeout: options.keepAliveMs ?? 4_000,
      keepAliveMaxTimeout: 60_000,
      // The exchange's one timer bounds the whole call; these would be two more.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async request(request: EgressRequest): Promise<EgressResponse> {
    const { origin, path } = this.judge(request.url);
    refuseFraming(request.headers);
    if (request.signal?.aborted) throw new CallCancelled('not-sent');
    if (this.callsUnderWay >= this.callsMax) throw new EgressBusy(this.callsMax);
    this.callsUnderWay++;
    try {
      return await this.exchange(request, origin, path);
    } finally {
      this.callsUnderWay--;
    }
  }

  async connect(url: string, timeoutMs = 3_000): Promise<Socket> {
    const { origin } = this.judge(url);
    if (this.callsUnderWay >= this.callsMax) throw new EgressBusy(this.callsMax);
    this.callsUnderWay++;
    try {
      const socket = await openConnection(this.connector, origin, timeoutMs);
      this.sockets.add(socket);
      socket.once('close', () => {
        this.sockets.delete(socket);
        this.callsUnderWay--;
      });
      return socket;
    } catch (fault) {
      this.callsUnderWay--;
      throw fault;
    }
  }

  check(url: string): void {
    this.judge(url);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await this.agent.destroy();
  }

  private exchange(request: EgressRequest, origin: string, path: string): Promise<EgressResponse> {
    const { method, headers, body, signal, maySend } = request;
    const { timeoutMs = 3_000, bytesMax = 65_536 } = request;
    return new Promise((resolve, reject) => {
      this.agent.dispatch(
        { origin, path, method, headers: headers ?? null, body: body ?? null },
        new Exchange({ timeoutMs, bytesMax, signal, maySend }, resolve, reject),
      );
    });
  }

  private judge(url: string): CheckedUrl {
    const known = this.checkedUrls.get(url);
    if (known) return known;
    const judged = judgeUrl(this.options.policy, url);
    if (isRefusal(judged)) throw new EgressRefused(judged);
    if (this.checkedUrls.size >= CHECKED_URLS_MAX) this.checkedUrls.clear();
    this.checkedUrls.set(url, judged);
    return judged;
  }
}

function refuseFraming(headers: EgressRequest['headers']): void {
  for (const name in headers)
    if (FRAMING_HEADERS.has(name.toLowerCase()))
      throw new EgressRefused(
        refusal('header-refused', `headers.${name}`, `the header ${name} cannot be set`),
      );
}
