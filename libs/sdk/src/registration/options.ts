import type { registryContract } from '@downbeat/contracts';
import type { z } from 'zod';

/** What the service is: the data of the command `RegisterService`. */
export type ServiceDescription = z.input<typeof registryContract.registerService.data>;

type RegisterInstance = z.input<typeof registryContract.registerInstance.data>;

/** Where this process answers: the data of `RegisterInstance`, most of it with a default. */
export type InstanceDescription = Pick<
  RegisterInstance,
  'ip_address' | 'port' | 'metadata' | 'zone' | 'weight' | 'priority'
> &
  Partial<Pick<RegisterInstance, 'instance_id' | 'node_name' | 'version' | 'heartbeat_ttl_ms'>>;

/** How far an instance says it has come: it goes forward only, and calls come from `running` on. */
export type Stage = z.input<typeof registryContract.announceLifecycle.data>['lifecycle'];

export interface AnnouncedStage {
  readonly lifecycle: Stage;
  readonly detail?: string;
}

/** What happens to the connection, for the service's log. */
export type ConnectionEvent =
  | { readonly type: 'registered'; readonly instanceId: string }
  /**
   * Another version describes the service. It is told which; what this one says of it holds once no instance
   * of a newer version is there.
   */
  | { readonly type: 'outdated'; readonly registeredVersion: string }
  | { readonly type: 'retrying'; readonly reason: string; readonly delayMs: number }
  | { readonly type: 'heartbeat-failed'; readonly reason: string }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'stage-refused'; readonly stage: Stage; readonly reason: string }
  | { readonly type: 'deregistered' }
  | { readonly type: 'deregistration-failed'; readonly reason: string };

export interface ConnectionOptions {
  /** `http://127.0.0.1:8080` */
  readonly gatewayUrl: string;
  readonly service: ServiceDescription;
  readonly instance: InstanceDescription;
  /** How far the instance has come when it is registered. Default: it runs when it is healthy first. */
  readonly stage?: AnnouncedStage;
  /** Default 5 s, with a tenth of jitter. */
  readonly heartbeatMs?: number;
  /** Of one request. Default 5 s. */
  readonly requestTimeoutMs?: number;
  /** Between tries while the suite is down: grows from the first to the second. Default 200 ms, 5 s. */
  readonly retryDelayFirstMs?: number;
  readonly retryDelayMaxMs?: number;
  /** How long {@link DownbeatConnection.stop} may take. Default 2 s. */
  readonly stopTimeoutMs?: number;
  /** Sent with the heartbeats when given. */
  readonly requestsPerMinute?: () => number;
  readonly onEvent?: (event: ConnectionEvent) => void;
}
