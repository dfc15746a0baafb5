import type { NatsIdentity } from '@downbeat/nats-dial';
import type { BackOff } from '../back-off';
import { silentLog, type BusLog } from '../bus-log';
import type { DeadLetters } from '../dead-letters';
import type { StreamBounds } from './streams';

export interface NatsMessageBusOptions {
  /** `nats://user:password@host:4222`; several separated by commas. */
  readonly url: string;
  /** Certificates and credentials beside what the URL says. */
  readonly identity?: NatsIdentity;
  /** Put before every subject, stream and consumer, so that suites and tests share a server; default none. */
  readonly prefix?: string;
  /** Who this is: `registry`, `gateway`. The `ce-source` and default actor of what it sends. */
  readonly name: string;
  /** Where messages go that are given up on; a subscription may bring its own. */
  readonly deadLetters?: DeadLetters;
  readonly log?: BusLog;
  /** Called when the server itself gave a message up, which the bus never asks it to. */
  readonly onServerGaveUp?: (advisory: string) => void;
  /** Default 5,000; with 2 pings out a dead server is noticed after 10 to 15 s. */
  readonly pingIntervalMs?: number;
  /** For the first connection, all attempts together; default 30,000. */
  readonly connectTimeoutMs?: number;
  /** For each call of JetStream's API; default 5,000. */
  readonly apiTimeoutMs?: number;
  /** After this long without a sign of its consumer a message is given to another; default 5,000. A process that stands still for half of it loses nothing. */
  readonly ackWaitMs?: number;
  /** Between two tries of one message; default 250 ms to 30 s. */
  readonly backOff?: BackOff;
  /** While nothing comes in, the server says this often that it is there; default 2,000. */
  readonly heartbeatMs?: number;
  /** Streams are looked after at least this often, with as much jitter on top; default 5,000. */
  readonly checkMs?: number;
  /** How long running handlers may take to end on `close()`; default 10,000. */
  readonly closeTimeoutMs?: number;
  readonly streamBounds?: Partial<StreamBounds>;
}

const DEFAULTS = {
  prefix: '',
  log: silentLog,
  pingIntervalMs: 5_000,
  connectTimeoutMs: 30_000,
  apiTimeoutMs: 5_000,
  ackWaitMs: 5_000,
  backOff: { firstMs: 250, maxMs: 30_000 },
  heartbeatMs: 2_000,
  checkMs: 5_000,
  closeTimeoutMs: 10_000,
};

const STREAM_BOUNDS: StreamBounds = {
  commandBytesMax: 2 ** 30,
  retryBytesMax: 2 ** 28,
  eventBytesMax: 2 ** 30,
  eventAgeMaxMs: 7 * 24 * 3_600_000,
  messageBytesMax: 2 ** 31,
  messageAgeMaxMs: 7 * 24 * 3_600_000,
};

export type NatsSettings = NatsMessageBusOptions &
  Required<Pick<NatsMessageBusOptions, keyof typeof DEFAULTS>> & {
    readonly streamBounds: StreamBounds;
  };

export const settingsOf = (options: NatsMessageBusOptions): NatsSettings => ({
  ...DEFAULTS,
  ...options,
  streamBounds: { ...STREAM_BOUNDS, ...options.streamBounds },
});
