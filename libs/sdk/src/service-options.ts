import type { NatsIdentity } from '@downbeat/nats-dial';
import type { TargetPolicy } from '@downbeat/resilience';
import type { ConfigurationEvent } from './configuration/configuration';
import type { MessageEvent } from './messages/events';
import type { LinkEvent } from './nats/nats-link';
import type {
  ConnectionEvent,
  InstanceDescription,
  ServiceDescription,
} from './registration/options';

export type ServiceEvent =
  | ConnectionEvent
  | LinkEvent
  | ConfigurationEvent
  /** Nobody in the suite heard in time how calls ended. */
  | { readonly type: 'call-reports-lost'; readonly reports: number }
  | MessageEvent
  /** Something threw that is no refusal: a handler, a health check, a listener. */
  | { readonly type: 'defect'; readonly where: string; readonly defect: unknown };

export interface ServiceOptions {
  /** `http://127.0.0.1:8080` */
  readonly gatewayUrl: string;
  /** `nats://user:password@127.0.0.1:4222`, or `tls://…` */
  readonly natsUrl: string;
  /** Certificates and credentials for NATS beside what the URL says. */
  readonly natsIdentity?: NatsIdentity;
  /** What is not said: an `api` in `development` that needs nothing. */
  readonly service: Pick<ServiceDescription, 'service_name' | 'service_version'> &
    Partial<ServiceDescription>;
  /** What is not said is found out: the port it listens on, and an address by which others reach it. */
  readonly instance?: Partial<Omit<InstanceDescription, 'zone'>>;
  /**
   * Where it runs: its instance is registered there, and what it calls is called in the same zone first.
   * Lower-case letters and digits, joined by hyphens. Default: `DOWNBEAT_ZONE` of the environment; without it
   * all zones are alike.
   */
  readonly zone?: string;
  /** Where operations and health checks are answered over HTTP. Default 127.0.0.1 and a free port. */
  readonly host?: string;
  readonly port?: number;
  /** Whether it works. Default: always, while it runs. */
  readonly isHealthy?: () => boolean | Promise<boolean>;
  readonly heartbeatMs?: number;
  /** How services are called, by name: wins over what the service declares about its dependencies. */
  readonly policyOf?: (target: string) => Partial<TargetPolicy>;
  /** Calls that are handled at once; others wait for a second, critical before low, or are refused with 503. Default 256. */
  readonly callsMax?: number;
  /** How long `stop` waits for the calls under way, those that it answers and those that it makes. Default 10,000. */
  readonly drainMs?: number;
  /** For the service's log. What it throws is lost. */
  readonly onEvent?: (event: ServiceEvent) => void;
}

/** What is not said of a service. */
export const SERVICE = {
  service_type: 'api',
  deployment_environment: 'development',
  dependencies: [],
} as const satisfies Partial<ServiceDescription>;
