import { querySubject, registryContract, validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { DirectoryFollower } from '@downbeat/discovery';
import type { z } from 'zod';
import { Caller, type CallOptions, type Proxy } from './calls/caller';
import { NatsLink, type LinkEvent } from './nats/nats-link';
import { Handlers } from './operations/handlers';
import type { Handle, Operation } from './operations/operation';
import { ServedOverHttp } from './operations/served-over-http';
import { serveOverNats } from './operations/served-over-nats';
import { pause } from './pause';
import { reachableAddress } from './registration/reachable-address';
import { connectDownbeat, type DownbeatConnection } from './registration/connection';
import type {
  ConnectionEvent,
  InstanceDescription,
  ServiceDescription,
} from './registration/options';

export type ServiceEvent =
  | ConnectionEvent
  | LinkEvent
  /** Something threw that is no refusal: a handler, a health check, a listener. */
  | { readonly type: 'defect'; readonly where: string; readonly defect: unknown };

export interface ServiceOptions {
  /** `http://127.0.0.1:8080` */
  readonly gatewayUrl: string;
  /** `nats://127.0.0.1:4222` */
  readonly natsUrl: string;
  /** What is not said: an `api` in `development` that needs nothing. */
  readonly service: Pick<ServiceDescription, 'service_name' | 'service_version'> &
    Partial<ServiceDescription>;
  /** What is not said is found out: the port it listens on, and an address by which others reach it. */
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
  /** For the service's log. What it throws is lost. */
  readonly onEvent?: (event: ServiceEvent) => void;
}

const SERVICE = {
  service_type: 'api',
  deployment_environment: 'development',
  dependencies: [],
} as const satisfies Partial<ServiceDescription>;

type Outcome = { readonly ok: boolean; readonly data: unknown };

const DRAIN_MS = 10_000;
const ASK_TIMEOUT_MS = 2_000;
/** Callers have heard by then that it goes. */
const GOODBYE_MS_MAX = 1_000;
const LOOK_EVERY_MS = 20;

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
  private started: Promise<void> | undefined;
  private stopped: Promise<void> | undefined;

  constructor(private readonly options: ServiceOptions) {
    const { natsUrl, service, callsMax } = options;
    const onEvent = (event: ServiceEvent): void => this.tell(event);
    this.link = new NatsLink({ natsUrl, name: service.service_name, onEvent });
    this.handlers = new Handlers({
      ...(callsMax === undefined ? {} : { callsMax }),
      onDefect: (where, defect) => this.tell({ type: 'defect', where, defect }),
    });
    this.follower = new DirectoryFollower({
      ask: (input) => this.askDirectory(input),
      onPush: (listener) =>
        this.link.subscribe(registryContract.DIRECTORY_PUSH, ({ body }) =>
          listener(JSON.parse(body)),
        ),
    });
    this.caller = new Caller(service.service_name, this.follower);
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
  start(): Promise<void> {
    this.started ??= this.begin();
    return this.started;
  }

  /** Settles with the first registration. @throws {RegistrationRefused} @throws {ConnectionStopped} */
  get registered(): Promise<void> {
    return this.joined.registered;
  }

  get instanceId(): string {
    return this.joined.instanceId;
  }

  /** Where it answers over HTTP. */
  get url(): string {
    const host = this.options.host ?? '127.0.0.1';
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.http?.port ?? 0}`;
  }

  /** What is known of the other services: in memory, however the suite is. */
  get directory(): DirectoryFollower['snapshot'] {
    return this.follower.snapshot;
  }

  /** The way to other services, for calls that are no operations: `proxy.service('billing').call(…)`. */
  get proxy(): Proxy {
    return this.caller.proxy;
  }

  /** Over HTTP, balanced over the instances that take calls. @throws {CallFailed} */
  call<Input extends z.ZodType, Output extends z.ZodType>(
    serviceName: string,
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options?: CallOptions,
  ): Promise<z.output<Output>> {
    return this.caller.call(serviceName, operation, input, options);
  }

  /** The same, to whoever has a capability. @throws {CallFailed} */
  callByCapability<Input extends z.ZodType, Output extends z.ZodType>(
    capability: { readonly name: string; readonly range?: string },
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options?: CallOptions,
  ): Promise<z.output<Output>> {
    return this.caller.callByCapability(capability, operation, input, options);
  }

  /**
   * Says goodbye, so that nobody calls any more; lets the calls under way end, for `drainMs`; disconnects.
   */
  stop(): Promise<void> {
    this.stopped ??= this.end();
    return this.stopped;
  }

  private async begin(): Promise<void> {
    const { options, handlers } = this;
    const host = options.host ?? '127.0.0.1';
    const http = await ServedOverHttp.listen(handlers, {
      host,
      port: options.port ?? 0,
      isHealthy: options.isHealthy ?? (() => true),
      onDefect: (where, defect) => this.tell({ type: 'defect', where, defect }),
    });
    this.http = http;
    this.stopServing = serveOverNats(this.link, options.service.service_name, handlers);
    this.link.start();
    this.follower.start();
    const { gatewayUrl, heartbeatMs } = options;
    const service = { ...SERVICE, ...options.service };
    const instance = { ip_address: reachableAddress(host), port: http.port, ...options.instance };
    const onEvent = (event: ServiceEvent): void => this.tell(event);
    const beat = heartbeatMs === undefined ? {} : { heartbeatMs };
    const settings = { gatewayUrl, service, instance, onEvent, ...beat };
    this.connection = connectDownbeat(settings, this.link);
  }

  private async end(): Promise<void> {
    // What has begun has an end: a service is never left half started.
    await this.started?.catch(() => undefined);
    await this.connection?.stop();
    await this.untilNobodyIsSent();
    await this.stopServing();
    await this.follower.stop();
    await this.http?.close(this.options.drainMs ?? DRAIN_MS);
    await this.handlers.idle(this.options.drainMs ?? DRAIN_MS);
    await this.link.close();
    await this.caller.close();
  }

  /** What this process knows by then, the others know too. */
  private async untilNobodyIsSent(): Promise<void> {
    const id = this.connection?.instanceId;
    const until = performance.now() + GOODBYE_MS_MAX;
    const isListed = (): boolean => {
      const targets = this.directory.serviceOf(this.options.service.service_name)?.targets ?? [];
      return targets.some(({ instance_id }) => instance_id === id);
    };
    while (isListed() && performance.now() < until)
      await pause(LOOK_EVERY_MS, new AbortController().signal);
  }

  private get joined(): DownbeatConnection {
    if (!this.connection) throw new Error('the service was not started');
    return this.connection;
  }

  private tell(event: ServiceEvent): void {
    try {
      this.options.onEvent?.(event);
    } catch {
      // Whoever listens must not be able to end what keeps the service alive.
    }
  }

  private async askDirectory(input: { readonly since: number }) {
    const subject = querySubject(registryContract.directory);
    const reply = await this.link.request(subject, JSON.stringify({ input }), ASK_TIMEOUT_MS);
    const { ok, data } = JSON.parse(reply.body) as Outcome;
    if (!ok) throw new Error('the registry did not answer the question');
    const page = validate(registryContract.directory.answer, data);
    if (page instanceof Rejection) throw new Error(page.message);
    return page.value;
  }
}
