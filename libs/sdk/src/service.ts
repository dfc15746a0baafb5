import type { DirectoryFollower, FollowerStatus } from '@downbeat/discovery';
import type { z } from 'zod';
import type { CallOptions, Proxy, WantedCapability } from './calls/caller';
import type { Configuration, ConfigurationOptions } from './configuration/configuration';
import { ConfigurationFollower } from './configuration/configuration-follower';
import { HeldConfiguration } from './configuration/held-configuration';
import { RegistryOverNats } from './configuration/registry-over-nats';
import type { HearBroadcast } from './messages/broadcasts';
import type { Enclosed } from './messages/outgoing';
import type { Published, PublishOptions } from './messages/publisher';
import type { HandleMessage, SubscribeOptions, Topic } from './messages/topic';
import type { Handle, Operation } from './operations/operation';
import type { Stage } from './registration/options';
import { SERVICE, type ServiceOptions } from './service-options';
import { ServiceParts } from './service-parts';

/**
 * A service of the suite: registered, checked, found by others, and able to call them. It works on
 * through restarts of NATS and of every app.
 */
export class DownbeatService {
  private readonly parts: ServiceParts;
  private started: Promise<void> | undefined;
  private stopped: Promise<void> | undefined;

  constructor(private readonly options: ServiceOptions) {
    this.parts = new ServiceParts(options);
  }

  /** Answers an operation, over NATS and as `POST /operations/<name>`. Before {@link start}. */
  handle<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    handle: Handle<z.output<Input>, z.input<Output>>,
  ): this {
    this.parts.handlers.add(operation, handle);
    return this;
  }

  /**
   * What the registry has in force for this service: kept up to date while it runs, checked by `schema`,
   * swapped as a whole, and acknowledged. One for a service, before {@link start}.
   *
   * @throws {z.ZodError} `otherwise` is not what the schema says.
   */
  configuration<Schema extends z.ZodType>(
    schema: Schema,
    options: ConfigurationOptions<Schema> = {},
  ): Configuration<z.output<Schema>> {
    if (this.parts.settings || this.started)
      throw new Error('a service has one configuration, from its start on');
    const held = new HeldConfiguration(schema, options);
    const { service_name: service_id, deployment_environment } = {
      ...SERVICE,
      ...this.options.service,
    };
    const owner = { service_id, environment: options.environment ?? deployment_environment };
    this.parts.settings = new ConfigurationFollower({
      held,
      source: new RegistryOverNats(this.parts.link, owner),
      onEvent: (event) => this.parts.tell(event),
      ...(options.askEveryMs !== undefined && { askEveryMs: options.askEveryMs }),
    });
    return held;
  }

  /**
   * Handles the messages of a topic, those of all priorities; the instances of the service share them.
   * Each comes at least once, and again until the handler has ended well. Before {@link start}.
   *
   * @throws {RangeError} There is a handler for it, a limit makes no sense, or the service has started.
   */
  subscribe<Schema extends z.ZodType>(
    topic: Topic<Schema>,
    handle: HandleMessage<z.output<Schema>>,
    options?: SubscribeOptions,
  ): this {
    this.parts.messages.subscribe(topic, handle, options);
    return this;
  }

  /** Calls `listen` for each broadcast from now on. Returns what ends it. */
  onBroadcast<Schema extends z.ZodType>(
    topic: Topic<Schema>,
    listen: HearBroadcast<z.output<Schema>>,
  ): () => void {
    return this.parts.messages.onBroadcast(topic, listen);
  }

  /** Listens, and makes the service known. Returns at once when the suite is away: it is told when it is back. */
  start(): Promise<void> {
    this.started ??= this.parts.begin();
    return this.started;
  }

  /** Settles with the first registration. @throws {RegistrationRefused} @throws {ConnectionStopped} */
  get registered(): Promise<void> {
    return this.parts.joined.registered;
  }

  get instanceId(): string {
    return this.parts.joined.instanceId;
  }

  /**
   * Says how far this instance has come: `initializing`, `starting`, `running`, `stopping` or `failed`, forward
   * only. One that says nothing takes calls when it is healthy first; one that does, from `running` on. Said
   * before {@link start} it is part of the registration: nobody calls it before.
   *
   * @returns Whether the suite has taken it by now; otherwise it is said again, or `stage-refused` is told.
   */
  announce(stage: Stage, detail?: string): Promise<boolean> {
    return this.parts.announce(stage, detail);
  }

  /** Where it answers over HTTP. */
  get url(): string {
    const host = this.options.host ?? '127.0.0.1';
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.parts.port}`;
  }

  /** What is known of the other services: in memory, however the suite is. */
  get directory(): DirectoryFollower['snapshot'] {
    return this.parts.follower.snapshot;
  }

  /** How much is known of them, and how old it is: in milliseconds, -1 when nothing is known yet. */
  get directoryStatus(): FollowerStatus {
    return this.parts.follower.status();
  }

  /** The way to other services, for calls that are no operations: `proxy.service('billing').call(…)`. */
  get proxy(): Proxy {
    return this.parts.caller.proxy;
  }

  /** Over HTTP, balanced over the instances that take calls. @throws {CallFailed} */
  call<Input extends z.ZodType, Output extends z.ZodType>(
    serviceName: string,
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options?: CallOptions<z.input<Output>>,
  ): Promise<z.output<Output>> {
    return this.parts.caller.call(serviceName, operation, input, options);
  }

  /** The same, to whoever has a capability, in this service's environment unless another one is named. @throws {CallFailed} */
  callByCapability<Input extends z.ZodType, Output extends z.ZodType>(
    capability: WantedCapability,
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    options?: CallOptions<z.input<Output>>,
  ): Promise<z.output<Output>> {
    return this.parts.caller.callByCapability(capability, operation, input, options);
  }

  /**
   * Has a message kept for every service that has subscribed to its topic. Returns when its stream has it.
   *
   * @throws {MessageNotPublished} It was not acknowledged in time. @throws {MessageTooLarge}
   */
  publish<Schema extends z.ZodType>(
    topic: Topic<Schema>,
    message: z.input<Schema>,
    options?: PublishOptions,
  ): Promise<Published> {
    return this.parts.messages.publish(topic, message, options);
  }

  /**
   * Says something to every instance that listens now, this one too. Nobody says who heard it.
   *
   * @throws {MessageNotPublished} There is no connection. @throws {MessageTooLarge}
   */
  broadcast<Schema extends z.ZodType>(
    topic: Topic<Schema>,
    message: z.input<Schema>,
    enclosed?: Enclosed,
  ): void {
    this.parts.messages.broadcast(topic, message, enclosed);
  }

  /**
   * Says goodbye, so that nobody calls any more; lets the calls under way end, for `drainMs`; disconnects. Its own
   * calls that have not ended then are given up. Nothing of it keeps the process alive after that.
   */
  stop(): Promise<void> {
    this.stopped ??= this.end();
    return this.stopped;
  }

  private async end(): Promise<void> {
    // What has begun has an end: a service is never left half started.
    await this.started?.catch(() => undefined);
    await this.parts.end();
  }
}
