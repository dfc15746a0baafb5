import { registryContract } from '@downbeat/contracts';
import { DirectoryFollower } from '@downbeat/discovery';
import type { z } from 'zod';
import { Caller, type CallOptions } from './calls/caller';
import { NatsLink, type LinkEvent } from './nats/nats-link';
import { Handlers } from './operations/handlers';
import type { Handle, Operation } from './operations/operation';
import { ServedOverHttp } from './operations/served-over-http';
import { serveOverNats } from './operations/served-over-nats';
import { connectDownbeat, type DownbeatConnection } from './registration/connection';
import type {
  ConnectionEvent,
  InstanceDescription,
  ServiceDescription,
} from './registration/options';

export type ServiceEvent =
  | ConnectionEvent
  | LinkEvent
  /** A handler threw what is no refusal. */
  | { readonly type: 'defect'; readonly operation: string; readonly defect: unknown };

export interface ServiceOptions {
  /** `http://127.0.0.1:8080` */
  readonly gatewayUrl: string;
  /** `nats://127.0.0.1:4222` */
  readonly natsUrl: string;
  /** What is not said: an `api` in `development` that needs nothing. */
  readonly service: Pick<ServiceDescription, 'service_name' | 'service_version'> &
    Partial<ServiceDescription>;
  /** What is not said is found out: address and port are those it listens on. */
  readonly instance?: Partial<InstanceDescription>;
  /** Where operations and health checks are answered over HTTP. Default 127.0.0.1 and a free port. */
  readonly host?: string;
  readonly port?: number;
  /** Whether it works. Default: always, while it runs. */
  readonly isHealthy?: () => boolean | Promise<boolean>;
  readonly heartbeatMs?: number;
  /** Calls that are handled at once; more are refused with 503. Default 256. */
  readonly callsMax?: number;
  /** How long {@link DownbeatService.stop} waits for the calls under way. Default 10,000. */
  readonly drainMs?: number;
  /** For the service's log. */
  readonly onEvent?: (event: ServiceEvent) => void;
}

const SERVICE = {
  service_type: 'api',
  deployment_environment: 'development',
  dependencies: [],
} as const satisfies Partial<ServiceDescription>;

type Outcome = { readonly ok: boolean; readonly data: registryContract.DirectoryPage };

const DRAIN_MS = 10_000;
const ASK_TIMEOUT_MS = 2_000;

/**
 * A service of the suite: registered, checked, found by others, and able to call them. It works on
 * through restarts of NATS and of every app.
 */
export class DownbeatService {
  private readonly link: NatsLink;
  private readonly handlers: Handlers;
  private readonly follower: DirectoryFollower;
  private readonly caller: Caller;
  private http: ServedOverHttp | undefined;
  private connection: DownbeatConnection | undefined;
  private stopServing: () => Promise<void> = () => Promise.resolve();

  constructor(private readonly options: ServiceOptions) {
    const { natsUrl, service, callsMax } = options;
    const onEvent = (event: ServiceEvent): void => options.onEvent?.(event);
    this.link = new NatsLink({ natsUrl, name: service.service_name, onEvent });
    this.handlers = new Handlers({
      ...(callsMax === undefined ? {} : { callsMax }),
      onDefect: (operation, defect) => onEvent({ type: 'defect', operation, defect }),
    });
    this.follower = new DirectoryFollower({
      ask: (input) => this.askDirectory(input),
      onPush: (listener) =>
        this.link.subscribe(registryContract.DIRECTORY_PUSH, ({ body }) =>
          listener(JSON.parse(body)),
        ),
    });
    this.caller = new Caller(this.link, this.follower);
  }

  /** Answers an operation, over NATS and as `POST /operations/<name>`. Before {@link start}. */
  handle<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    handle: Handle<z.output<Input>, z.input<Output>>,
  ): this {
    this.handlers.add(operation, handle);
    return this;
  }

  /** Listens, and makes the service known. Returns at once when the suite is away: it is told when it is back. */
  async start(): Promise<void> {
    const { options, handlers } = this;
    const host = options.host ?? '127.0.0.1';
    this.http = await ServedOverHttp.listen(handlers, {
      host,
      port: options.port ?? 0,
      isHealthy: options.isHealthy ?? (() => true),
    });
    this.stopServing = serveOverNats(this.link, options.service.service_name, handlers);
    this.link.start();
    this.follower.start();
    const { gatewayUrl, heartbeatMs, onEvent } = options;
    const service = { ...SERVICE, ...options.service };
    const instance = { ip_address: host, port: this.http.port, ...options.instance };
    this.connection = connectDownbeat(
      {
        gatewayUrl,
        service,
        instance,
        ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
        ...(onEvent === undefined ? {} : { onEvent }),
      },
      this.link,
    );
  }

  /** Settles with the first registration. @throws {RegistrationRefused} @throws {ConnectionStopped} */
  get registered(): Promise<void> {
    return this.started.registered;
  }

  get instanceId(): string {
    return this.started.instanceId;
  }

  /** Where it answers over HTTP. */
  get url(): string {
    return `http://${this.options.host ?? '127.0.0.1'}:${this.http?.port ?? 0}`;
  }

  /** What is known of the other services: in memory, however the suite is. */
  get directory(): DirectoryFollower['snapshot'] {
    return this.follower.snapshot;
  }

  /** @throws {CallFailed} */
  call<Input extends z.ZodType, Output extends z.ZodType>(
    serviceName: string,
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options?: CallOptions,
  ): Promise<z.output<Output>> {
    return this.caller.call(serviceName, operation, input, options);
  }

  /** @throws {CallFailed} */
  callByCapability<Input extends z.ZodType, Output extends z.ZodType>(
    capability: { readonly name: string; readonly range?: string },
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options?: CallOptions,
  ): Promise<z.output<Output>> {
    return this.caller.callByCapability(capability, operation, input, options);
  }

  /**
   * Says goodbye, so that nobody calls any more; lets the calls under way end; disconnects. Never throws.
   */
  async stop(): Promise<void> {
    await this.connection?.stop();
    await this.stopServing();
    await this.follower.stop();
    await this.handlers.idle(this.options.drainMs ?? DRAIN_MS);
    await this.http?.close();
    await this.link.close();
  }

  private get started(): DownbeatConnection {
    if (!this.connection) throw new Error('the service was not started');
    return this.connection;
  }

  private async askDirectory(input: { readonly since: number }) {
    const body = JSON.stringify({ input });
    const reply = await this.link.request('query.registry.directory', body, ASK_TIMEOUT_MS);
    const outcome = JSON.parse(reply.body) as Outcome;
    if (!outcome.ok) throw new Error('the registry did not answer the question');
    return outcome.data;
  }
}
