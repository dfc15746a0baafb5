import { HeldBreakers } from '@downbeat/breakers';
import { DirectoryFollower } from '@downbeat/discovery';
import { monotonicMs } from '@downbeat/resilience';
import { Caller } from './calls/caller';
import { DeclaredDependencies } from './calls/declared-dependencies';
import { DirectoryOverNats } from './calls/directory-over-nats';
import { Telling } from './calls/telling/telling';
import type { ConfigurationFollower } from './configuration/configuration-follower';
import { Messages } from './messages/messages';
import { NatsLink } from './nats/nats-link';
import { Handlers } from './operations/handlers';
import { ServedOverHttp } from './operations/served-over-http';
import { serveOverNats } from './operations/served-over-nats';
import { pause } from './pause';
import { connectDownbeat, type DownbeatConnection } from './registration/connection';
import type { AnnouncedStage, Stage } from './registration/options';
import { reachableAddress } from './registration/reachable-address';
import { SERVICE, type ServiceEvent, type ServiceOptions } from './service-options';

const DRAIN_MS = 10_000;
/** Callers have heard by then that it goes. */
const GOODBYE_MS_MAX = 1_000;
const LOOK_EVERY_MS = 20;

/** What a service consists of, put together once; it begins and ends in a fixed order. */
export class ServiceParts {
  readonly link: NatsLink;
  readonly handlers: Handlers;
  readonly follower: DirectoryFollower;
  readonly caller: Caller;
  readonly messages: Messages;
  /** Set by who asks for a configuration. */
  settings: ConfigurationFollower | undefined;
  private readonly breakers: HeldBreakers;
  private readonly zone: string | undefined;
  private telling: Telling | undefined;
  private http: ServedOverHttp | undefined;
  private connection: DownbeatConnection | undefined;
  /** How far it has come by its own word before it joined. */
  private stage: AnnouncedStage | undefined;
  private stopServing: () => Promise<void> = () => Promise.resolve();

  constructor(private readonly options: ServiceOptions) {
    const { natsUrl, natsIdentity: identity, service, callsMax } = options;
    // Set to nothing, as in a file of settings, is not set.
    this.zone = options.zone ?? (process.env['DOWNBEAT_ZONE'] || undefined);
    const onEvent = (event: ServiceEvent): void => this.tell(event);
    const onDefect = (where: string, defect: unknown): void =>
      this.tell({ type: 'defect', where, defect });
    this.link = new NatsLink({
      ...{ natsUrl, name: service.service_name, onEvent },
      ...(identity && { identity }),
    });
    this.handlers = new Handlers({ ...(callsMax !== undefined && { callsMax }), onDefect });
    this.follower = new DirectoryFollower(new DirectoryOverNats(this.link));
    this.breakers = new HeldBreakers({
      source: service.service_name,
      now: monotonicMs,
      calendar: Date.now,
      chance: Math.random,
    });
    this.caller = new Caller(this.follower, this.breakers, {
      declared: new DeclaredDependencies(service.dependencies),
      policyOf: options.policyOf,
      zone: this.zone,
      environment: { ...SERVICE, ...service }.deployment_environment,
      onEvent: (event) => {
        if (event.kind === 'attempt-failed') this.telling?.failed(event.endpointId, event.failure);
      },
      onEnded: (call) => this.telling?.ended(call),
    });
    const { link } = this;
    this.messages = new Messages({ link, service: service.service_name, tell: onEvent, onDefect });
  }

  /** @throws {Error} It was not started. */
  get joined(): DownbeatConnection {
    if (!this.connection) throw new Error('the service was not started');
    return this.connection;
  }

  /** Where it listens; 0 before it does. */
  get port(): number {
    return this.http?.port ?? 0;
  }

  async begin(): Promise<void> {
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
    // Before there is a connection nobody can be asked who there is.
    this.link.onConnected(() => {
      if (!this.follower.isKnown) this.follower.ask();
    });
    this.link.start();
    this.follower.start();
    this.messages.start();
    const { gatewayUrl, heartbeatMs } = options;
    const service = { ...SERVICE, ...options.service };
    const instance = {
      ...{ ip_address: reachableAddress(host), port: http.port, zone: this.zone },
      ...options.instance,
    };
    const onEvent = (event: ServiceEvent): void => {
      if (event.type === 'registered') this.settings?.registered(event.instanceId);
      this.tell(event);
    };
    const more = {
      ...(heartbeatMs !== undefined && { heartbeatMs }),
      ...(this.stage && { stage: this.stage }),
    };
    const settings = { gatewayUrl, service, instance, onEvent, ...more };
    this.connection = connectDownbeat(settings, this.link);
    this.telling = new Telling({
      breakers: this.breakers,
      link: this.link,
      instanceId: this.connection.instanceId,
      now: monotonicMs,
      tell: () => this.caller.tell(),
      onLost: (reports) => this.tell({ type: 'call-reports-lost', reports }),
      onDefect: (defect) => this.tell({ type: 'defect', where: 'telling of calls', defect }),
    });
    this.telling.start();
  }

  /** Before it joined it is kept for the registration. */
  announce(lifecycle: Stage, detail?: string): Promise<boolean> {
    if (this.connection) return this.connection.announce(lifecycle, detail);
    this.stage = { lifecycle, ...(detail !== undefined && { detail }) };
    return Promise.resolve(false);
  }

  async end(): Promise<void> {
    await this.connection?.stop();
    await this.untilNobodyIsSent();
    await this.stopServing();
    await this.settings?.stop();
    await this.messages.stop(this.options.drainMs ?? DRAIN_MS);
    await this.follower.stop();
    await this.http?.close(this.options.drainMs ?? DRAIN_MS);
    await this.handlers.idle(this.options.drainMs ?? DRAIN_MS);
    await this.telling?.stop();
    await this.link.close();
    await this.caller.close(this.options.drainMs ?? DRAIN_MS);
  }

  /** What this process knows by then, the others know too. */
  private async untilNobodyIsSent(): Promise<void> {
    const id = this.connection?.instanceId;
    const until = performance.now() + GOODBYE_MS_MAX;
    const isListed = (): boolean => {
      const entry = this.follower.snapshot.serviceOf(this.options.service.service_name);
      const all = [...(entry?.targets ?? []), ...(entry?.unoffered ?? [])];
      return all.some(({ instance_id }) => instance_id === id);
    };
    while (isListed() && performance.now() < until)
      await pause(LOOK_EVERY_MS, new AbortController().signal);
  }

  tell(event: ServiceEvent): void {
    try {
      this.options.onEvent?.(event);
    } catch {
      // Whoever listens must not be able to end what keeps the service alive.
    }
  }
}
