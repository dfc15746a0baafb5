import { dialOptions, type NatsIdentity } from '@downbeat/nats-dial';
import {
  connect,
  createInbox,
  ErrorCode,
  Events,
  headers as newHeaders,
  NatsError,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
} from 'nats';
import { backOffMs, pause } from '../pause';
import { refusedOf, type Refused } from './refused';

export interface LinkOptions {
  /** `nats://user:password@host:4222` or `tls://…`, several separated by commas. */
  readonly natsUrl: string;
  readonly identity?: NatsIdentity;
  /** Shown by the server's monitoring. */
  readonly name: string;
  readonly onEvent?: (event: LinkEvent) => void;
}

/** What happens to the connection, for the service's log. */
export type LinkEvent =
  | { readonly type: 'nats-connected' }
  | { readonly type: 'nats-disconnected' }
  | { readonly type: 'nats-unreachable'; readonly reason: string }
  /** Its user lacks a right. Told once for each topic, or for each other subject, of a connection. */
  | ({ readonly type: 'nats-refused' } & Refused)
  | { readonly type: 'message-not-understood'; readonly subject: string; readonly reason: string };

export interface NatsSession {
  readonly server_id: string;
  readonly client_id: number;
}

/** A message as it came; header names in lower case. */
export interface NatsMessage {
  readonly body: string;
  readonly headers: Headers;
}
/** One that somebody waits for an answer to. */
export interface NatsRequest extends NatsMessage {
  readonly respond: (body: string, headers?: Headers) => void;
}
export type Headers = Readonly<Record<string, string>>;

/** A message as the server gave it out. */
export interface RawMessage {
  readonly subject: string;
  /** Where an acknowledgement goes. */
  readonly reply: string | undefined;
  /** Of a message of the server itself: 100 is a sign of life, 4xx an end; 0 for all others. */
  readonly status: number;
  /** What the server says beside its status. */
  readonly description: string;
  readonly headers: Headers;
  readonly data: Uint8Array;
}

/** There is no connection to NATS now; nothing was sent. */
export class NatsUnavailable extends Error {
  override readonly name: string = 'NatsUnavailable';
  readonly code: string = 'sdk/nats-unavailable';
}

/** The server does not let this user publish there: nothing was sent, nor will be before it has the right. */
export class NatsRefused extends NatsUnavailable {
  override readonly name = 'NatsRefused';
  override readonly code = 'sdk/nats-refused';
}

/** Nobody answered. `nobody-listens`: nobody got it; `timed-out`: somebody may have. */
export class NatsUnanswered extends Error {
  override readonly name = 'NatsUnanswered';
  readonly code = 'sdk/nats-unanswered';

  constructor(readonly why: 'nobody-listens' | 'timed-out') {
    super(why === 'timed-out' ? 'nobody answered in time' : 'nobody listens');
  }
}

const DIAL_TIMEOUT_MS = 5_000;
const REDIAL_FIRST_MS = 100;
const REDIAL_MAX_MS = 2_000;
/** A server that has frozen is noticed after two unanswered pings. */
const PING_EVERY_MS = 2_500;
const PINGS_OUT_MAX = 2;
const DRAIN_WITHIN_MS = 2_000;
const NOBODY_LISTENS = '503';
const TIMED_OUT = 'TIMEOUT';
const REFUSALS_TOLD_MAX = 1_000;

type Listen = (message: Msg) => void;
interface Wanted {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly listen: Listen;
  subscription?: Subscription;
}

/**
 * One connection to NATS that is made again for ever, from the first attempt on. Subscriptions asked for
 * while there is none begin with the next one.
 */
export class NatsLink {
  private connection: NatsConnection | undefined;
  private isConnected = false;
  private current: NatsSession | undefined;
  private readonly wanted = new Set<Wanted>();
  private readonly listeners = new Set<() => void>();
  private readonly ending = new AbortController();
  private dialling: Promise<void> = Promise.resolve();
  private inboxPrefix = '_INBOX';
  private readonly refusalsTold = new Set<string>();

  constructor(private readonly options: LinkOptions) {}

  start(): void {
    this.dialling = this.dial();
  }

  /** The server's names for the connection there is; the same object as long as it is the same one. */
  session(): NatsSession | undefined {
    return this.isConnected ? this.current : undefined;
  }

  /** Calls `listener` after each connection that was made. Returns the unsubscribe function. */
  onConnected(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Hears every message on `subject`. Returns the unsubscribe function. */
  subscribe(subject: string, listen: (message: NatsMessage) => void): () => void {
    return this.want({
      subject,
      queue: undefined,
      listen: (message) => listen(messageOf(message)),
    });
  }

  /**
   * Answers what is asked on `subject`; those with the same `queue` share the questions. Returns what ends
   * it: when that settles, everything that came has been given to `answer`.
   */
  serve(
    subject: string,
    queue: string,
    answer: (request: NatsRequest) => void,
  ): () => Promise<void> {
    const listen = (message: Msg): void => {
      const respond = (body: string, headers: Headers = {}): void => {
        message.respond(body, { headers: headersOf(headers) });
      };
      if (message.reply) answer({ ...messageOf(message), respond });
    };
    const wanted: Wanted = { subject, queue, listen };
    this.want(wanted);
    return async () => {
      this.wanted.delete(wanted);
      // What the server has sent already is answered: whoever asked chose this instance.
      await within(DRAIN_WITHIN_MS, wanted.subscription?.drain());
    };
  }

  /** Hears every message on `subject` as it came. Returns the unsubscribe function. */
  hear(subject: string, listen: (message: RawMessage) => void): () => void {
    return this.want({ subject, queue: undefined, listen: (message) => listen(rawOf(message)) });
  }

  /** A subject below which answers come that nobody else hears. Known once there was a connection. */
  newInbox(): string {
    return createInbox(this.inboxPrefix);
  }

  /** Bytes that the server takes at most, headers included; undefined before the first connection. */
  get payloadMax(): number | undefined {
    return this.connection?.info?.max_payload;
  }

  private want(wanted: Wanted): () => void {
    this.wanted.add(wanted);
    if (this.connection) this.open(wanted, this.connection);
    return () => {
      this.wanted.delete(wanted);
      wanted.subscription?.unsubscribe();
    };
  }

  /** @throws {NatsUnavailable} */
  publish(subject: string, body: string, headers: Headers = {}, reply?: string): void {
    const hasHeaders = Object.keys(headers).length > 0;
    try {
      this.usable().publish(subject, body, {
        ...(hasHeaders ? { headers: headersOf(headers) } : {}),
        ...(reply === undefined ? {} : { reply }),
      });
    } catch (fault) {
      if (!(fault instanceof NatsError)) throw fault;
      throw new NatsUnavailable(fault.message, { cause: fault });
    }
  }

  /** @throws {NatsUnavailable} @throws {NatsRefused} @throws {NatsUnanswered} */
  async request(
    subject: string,
    body: string,
    timeoutMs: number,
    headers: Headers = {},
  ): Promise<NatsMessage> {
    const options = { timeout: timeoutMs, headers: headersOf(headers) };
    try {
      return messageOf(await this.usable().request(subject, body, options));
    } catch (fault) {
      if (!(fault instanceof NatsError)) throw fault;
      if (fault.code === NOBODY_LISTENS) throw new NatsUnanswered('nobody-listens');
      if (fault.code === TIMED_OUT) throw new NatsUnanswered('timed-out');
      if (fault.code === ErrorCode.PermissionsViolation) throw new NatsRefused(fault.message);
      throw new NatsUnavailable(fault.message, { cause: fault });
    }
  }

  /** Lets handlers that run answer, for two seconds at most, and disconnects. */
  async close(): Promise<void> {
    this.ending.abort();
    await this.dialling;
    const { connection } = this;
    if (!connection || connection.isClosed()) return;
    await within(DRAIN_WITHIN_MS, connection.drain());
    await connection.close();
  }

  private usable(): NatsConnection {
    if (!this.connection || !this.isConnected) throw new NatsUnavailable('NATS is not connected');
    return this.connection;
  }

  private async dial(): Promise<void> {
    const { natsUrl, identity, name } = this.options;
    for (let tries = 1; !this.ending.signal.aborted; tries++) {
      try {
        const options = dialOptions({ url: natsUrl, ...identity });
        this.inboxPrefix = options.inboxPrefix;
        const connection = await connect({
          ...options,
          name,
          timeout: DIAL_TIMEOUT_MS,
          maxReconnectAttempts: -1,
          reconnectTimeWait: REDIAL_FIRST_MS,
          reconnectJitter: REDIAL_MAX_MS - REDIAL_FIRST_MS,
          pingInterval: PING_EVERY_MS,
          maxPingOut: PINGS_OUT_MAX,
          // Passwords may change on the server first.
          ignoreAuthErrorAbort: true,
        });
        return this.take(connection);
      } catch (fault) {
        const reason = fault instanceof Error ? fault.message : String(fault);
        this.tell({ type: 'nats-unreachable', reason });
        await pause(backOffMs(tries, REDIAL_FIRST_MS, REDIAL_MAX_MS), this.ending.signal);
      }
    }
  }

  private take(connection: NatsConnection): void {
    this.connection = connection;
    for (const wanted of this.wanted) this.open(wanted, connection);
    this.connected(connection);
    this.watch(connection).catch((fault: unknown) =>
      this.tell({ type: 'nats-unreachable', reason: String(fault) }),
    );
    // The client gives up for good now and then; nobody else does.
    void connection.closed().then(() => {
      this.isConnected = false;
      if (!this.ending.signal.aborted) this.start();
    });
  }

  private async watch(connection: NatsConnection): Promise<void> {
    for await (const { type, permissionContext: refused } of connection.status()) {
      if (type === Events.Reconnect) this.connected(connection);
      if (refused) this.refused(refusedOf(refused.operation, refused.subject));
      if (type !== Events.Disconnect) continue;
      this.isConnected = false;
      this.tell({ type: 'nats-disconnected' });
    }
  }

  private connected({ info }: NatsConnection): void {
    this.isConnected = true;
    this.refusalsTold.clear();
    this.current = info && { server_id: info.server_id, client_id: info.client_id };
    this.tell({ type: 'nats-connected' });
    for (const listener of this.listeners) listener();
  }

  private refused(refused: Refused): void {
    const what = `${refused.to} ${refused.topic ?? refused.subject}`;
    if (this.refusalsTold.has(what) || this.refusalsTold.size >= REFUSALS_TOLD_MAX) return;
    this.refusalsTold.add(what);
    this.tell({ type: 'nats-refused', ...refused });
  }

  /** Whoever listens must not be able to end the connection. */
  private tell(event: LinkEvent): void {
    try {
      this.options.onEvent?.(event);
    } catch {
      // It is its listener's to say what went wrong there.
    }
  }

  private open(wanted: Wanted, connection: NatsConnection): void {
    wanted.subscription = connection.subscribe(wanted.subject, {
      ...(wanted.queue === undefined ? {} : { queue: wanted.queue }),
      callback: (fault, message) => {
        if (fault) return;
        try {
          wanted.listen(message);
        } catch (thrown) {
          const reason = thrown instanceof Error ? thrown.message : String(thrown);
          this.tell({ type: 'message-not-understood', subject: message.subject, reason });
        }
      },
    });
  }
}

/** Waits for it, however it ends, and no longer than `ms`. */
async function within(ms: number, done: Promise<unknown> | undefined): Promise<void> {
  const waiting = new AbortController();
  const ended = done?.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([ended, pause(ms, waiting.signal)]);
  waiting.abort();
}

const messageOf = (message: Msg): NatsMessage => ({
  body: message.string(),
  headers: readHeaders(message),
});

const rawOf = (message: Msg): RawMessage => ({
  subject: message.subject,
  reply: message.reply,
  status: message.headers?.code ?? 0,
  description: message.headers?.description ?? '',
  headers: readHeaders(message),
  data: message.data,
});

function readHeaders({ headers }: Msg): Headers {
  const names = headers?.keys() ?? [];
  const read = names.map((name) => [name.toLowerCase(), headers?.get(name) ?? '']);
  return Object.fromEntries(read) as Headers;
}

function headersOf(all: Headers): MsgHdrs {
  const made = newHeaders();
  for (const [name, value] of Object.entries(all)) made.set(name, value);
  return made;
}
