import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { registryContract } from '@downbeat/contracts';
import { DescribedVersion } from './described-version';
import { GatewayClient, GatewayUnreachable, type GatewayAnswer } from './gateway-client';
import type { AnnouncedStage, ConnectionEvent, ConnectionOptions, Stage } from './options';
import { NatsLink } from '../nats/nats-link';
import { commandSuite } from '../nats/suite-requests';
import { backOffMs, gotWithin, pause } from '../pause';
import { resourceMeter } from './resource-usage';
import { isStageUnknown } from './unknown-stage';

/** The suite understood the registration and will never take it. */
export class RegistrationRefused extends Error {
  override readonly name = 'RegistrationRefused';
  readonly code = 'sdk/registration-refused';

  constructor(
    readonly status: number,
    /** The problem as the gateway wrote it (RFC 9457). */
    readonly problem: string,
  ) {
    super(`the registration was refused: HTTP ${status} ${problem}`);
  }
}

/** The connection was stopped before the suite took the registration. */
export class ConnectionStopped extends Error {
  override readonly name = 'ConnectionStopped';
  readonly code = 'sdk/connection-stopped';
}

/** Keeps one instance known to the suite until it is stopped. */
export interface DownbeatConnection {
  readonly instanceId: string;
  /**
   * Settles with the first registration. While the suite is down it stays open.
   *
   * @throws {RegistrationRefused}
   * @throws {ConnectionStopped}
   */
  readonly registered: Promise<void>;
  /**
   * Says how far the instance has come; one that says nothing runs when it is healthy first. Said before it is
   * registered it is part of the registration, so that no check comes before it. Returns whether the suite has
   * taken it by now. What it has not heard is said again with the heartbeats, and after each
   * registration; what it refuses is told as `stage-refused`, and given up.
   */
  announce(stage: Stage, detail?: string): Promise<boolean>;
  /** Ends the heartbeats and deregisters the instance; takes at most `stopTimeoutMs`. Never throws. */
  stop(): Promise<void>;
}

/**
 * Registers the service and this instance of it, and says every `heartbeatMs` that it is alive.
 * Returns at once; while the suite is down it goes on trying, for ever. An instance that the suite
 * has forgotten is registered again.
 */
export function connectDownbeat(options: ConnectionOptions, link?: NatsLink): DownbeatConnection {
  const connection = new Connection(options, link);
  connection.start();
  return connection;
}

const REFUSED_FOR_GOOD: readonly number[] = [400, 401, 403, 405, 409, 413, 415, 422];

type Answer = GatewayAnswer | GatewayUnreachable;
type Round = 'registered' | 'forgotten' | 'refused' | 'stopped';
type Session = NonNullable<ReturnType<NatsLink['session']>>;
/** Why the suite has not taken what was said of the instance. */
interface Untaken {
  readonly reason: string;
  readonly isForgotten: boolean;
  /** It has heard it, and will never take it. */
  readonly isRefused: boolean;
}
type Saying = 'heartbeat' | 'announceLifecycle';

const BEAT = ['POST', '/heartbeat'] as const;
const ANNOUNCEMENT = ['PUT', '/lifecycle'] as const;
const REQUEST_TIMEOUT_MS = 5_000;

class Connection implements DownbeatConnection {
  readonly instanceId: string;
  readonly registered: Promise<void>;
  private readonly gateway: GatewayClient;
  private readonly ending = new AbortController();
  private readonly usage = resourceMeter();
  private readonly heartbeatMs: number;
  /** Silent for longer, it counts as gone: a heartbeat, whatever it waits for, is to come before. */
  private readonly ttlMs: number;
  private isFirstRegistrationOpen = true;
  private mayBeRegistered = false;
  private isServiceKnown = false;
  private readonly described: DescribedVersion;
  private running: Promise<void> = Promise.resolve();
  private stopped: Promise<void> | undefined;
  private settleRegistered: (fault?: Error) => void = () => undefined;

  /** What the suite knows this instance's connection to NATS by. */
  private told: Session | undefined;
  /** How far it has come by its own word, and whether the suite has still to hear of it. */
  private stage: AnnouncedStage | undefined;
  private isStageUnheard = false;
  /** The suite is one of before, which takes it after the registration only. */
  private isStageApart = false;
  /** Of the registration that is tried now. */
  private isRefusalTold = false;

  constructor(
    private readonly options: ConnectionOptions,
    /** Whose connection stands for this instance. */
    private readonly link?: NatsLink,
  ) {
    this.gateway = new GatewayClient(options.gatewayUrl);
    this.described = new DescribedVersion(options.service.service_version);
    this.stage = options.stage;
    this.heartbeatMs = options.heartbeatMs ?? 5_000;
    this.ttlMs = options.instance.heartbeat_ttl_ms ?? Math.max(this.heartbeatMs * 3, 1_000);
    // Its own name first: so the server of NATS can keep others from speaking for it.
    this.instanceId =
      options.instance.instance_id ??
      `${options.service.service_name}.${randomUUID().slice(0, 13)}`;
    this.registered = new Promise((resolve, reject) => {
      this.settleRegistered = (fault) => (fault ? reject(fault) : resolve());
    });
    // Who does not look at it hears of a refusal through `onEvent`.
    this.registered.catch(() => undefined);
  }

  start(): void {
    this.running = this.run().catch((fault: unknown) =>
      this.tell({ type: 'heartbeat-failed', reason: String(fault) }),
    );
  }

  /** Registers once more when the instance is on another connection to NATS than the suite knows. */
  private get hasMoved(): boolean {
    const session = this.link?.session();
    return session !== undefined && session !== this.told;
  }

  stop(): Promise<void> {
    this.stopped ??= this.end();
    return this.stopped;
  }

  async announce(stage: Stage, detail?: string): Promise<boolean> {
    this.stage = { lifecycle: stage, ...(detail !== undefined && { detail }) };
    this.isStageUnheard = true;
    // Before that there is nobody of whom it could be said.
    if (!this.isFirstRegistrationOpen) await this.sayStage();
    return !this.isStageUnheard;
  }

  private async run(): Promise<void> {
    for (;;) {
      const round = await this.register();
      if (round !== 'registered') return;
      // One that began anew has come nowhere.
      this.isStageUnheard = this.stage !== undefined;
      await this.sayStage();
      if ((await this.beat()) === 'stopped') return;
    }
  }

  /** Tries until the instance is registered, refused, or nobody wants it any more. */
  private async register(): Promise<'registered' | 'refused' | 'stopped'> {
    let key: string = randomUUID();
    // It may be another suite by now.
    this.isStageApart = false;
    for (let tries = 1; !this.ending.signal.aborted; tries++) {
      const answer = await this.registerOnce(key, this.link?.session());
      const round = this.settled(answer);
      if (round === 'registered' || round === 'refused') return round;
      // "Not found" is an answer, and the suite repeats its answers to the same key.
      if (round === 'forgotten') {
        key = randomUUID();
        this.isServiceKnown = false;
      }
      // Known over another connection, it lives all the same while nobody hears of this one.
      else if (this.told) await this.sayAlive();
      await this.backOff(tries, answer);
    }
    return 'stopped';
  }

  private async registerOnce(key: string, session: Session | undefined): Promise<Answer> {
    const { service, instance } = this.options;
    if (!this.isServiceKnown) {
      const known = await this.describe(`${key}-service`);
      if (!isAccepted(known)) return known;
      // What somebody changed since is not to be undone by a lost connection.
      this.isServiceKnown = true;
    }
    this.mayBeRegistered = true;
    const body = {
      instance_id: this.instanceId,
      node_name: instance.node_name ?? hostname(),
      ip_address: instance.ip_address,
      port: instance.port,
      version: instance.version ?? service.service_version,
      metadata: instance.metadata,
      zone: instance.zone,
      weight: instance.weight,
      priority: instance.priority,
      session,
      heartbeat_ttl_ms: this.ttlMs,
      ...(!this.isStageApart && begunBy(this.stage)),
    };
    const path = `/services/${service.service_name}/instances`;
    const answer = await this.learning(this.call('POST', path, body, keyOf(key, body)));
    if (isAccepted(answer)) this.told = session;
    if (answer instanceof GatewayUnreachable || this.isStageApart || !isStageUnknown(answer))
      return answer;
    this.isStageApart = true;
    return this.registerOnce(key, session);
  }

  /** Says what the service is; and again, once in a while, as long as another version of it stands. */
  private describe(key: string): Promise<Answer> {
    this.described.said();
    return this.learning(this.call('POST', '/services', this.options.service, key));
  }

  /** From what is answered to who registers: which version describes the service. */
  private async learning(asked: Promise<Answer>): Promise<Answer> {
    const answer = await asked;
    if (answer instanceof GatewayUnreachable || !isAccepted(answer)) return answer;
    const registeredVersion = this.described.answered(answer.body);
    if (registeredVersion !== undefined) this.tell({ type: 'outdated', registeredVersion });
    return answer;
  }

  private settled(answer: Answer): Round | undefined {
    if (isAccepted(answer)) {
      this.settleFirst();
      this.isRefusalTold = false;
      this.tell({ type: 'registered', instanceId: this.instanceId });
      return 'registered';
    }
    if (answer instanceof GatewayUnreachable) return undefined;
    if (answer.status === 404) return 'forgotten';
    if (!REFUSED_FOR_GOOD.includes(answer.status)) return undefined;
    if (!this.isRefusalTold) this.tell({ type: 'refused', reason: reasonOf(answer) });
    this.isRefusalTold = true;
    // One that was registered goes on asking: its service was retired meanwhile, and may be back.
    if (!this.isFirstRegistrationOpen) return undefined;
    this.settleFirst(new RegistrationRefused(answer.status, answer.body));
    return 'refused';
  }

  /** Heartbeats until the suite no longer knows the instance, or the connection is stopped. */
  private async beat(): Promise<'forgotten' | 'stopped'> {
    const { signal } = this.ending;
    for (;;) {
      await this.nextBeat();
      if (signal.aborted) return 'stopped';
      if (this.hasMoved) return 'forgotten';
      const untaken = await this.sayAlive();
      if (!untaken) await this.sayStage();
      // Not heard or refused, it is said again all the same; but of a retired service nobody says it.
      if (!untaken && this.described.isDue) await this.describe(randomUUID());
      if (!untaken || signal.aborted) continue;
      this.tell({ type: 'heartbeat-failed', reason: untaken.reason });
      if (untaken.isForgotten) return 'forgotten';
    }
  }

  private sayAlive(): Promise<Untaken | undefined> {
    const { requestsPerMinute } = this.options;
    const resource_usage = {
      ...this.usage(),
      ...(requestsPerMinute && { requests_per_minute: requestsPerMinute() }),
    };
    return this.say('heartbeat', { resource_usage });
  }

  private async sayStage(): Promise<void> {
    const { stage } = this;
    if (!stage || !this.isStageUnheard) return;
    const untaken = await this.say('announceLifecycle', stage);
    // It may have come further meanwhile.
    if (stage !== this.stage || this.ending.signal.aborted) return;
    if (!untaken) this.isStageUnheard = false;
    if (!untaken?.isRefused) return;
    this.stage = undefined;
    this.tell({ type: 'stage-refused', stage: stage.lifecycle, reason: untaken.reason });
  }

  /** Over its own connection to NATS; over the gateway when nobody hears it there. */
  private async say(saying: Saying, what: object): Promise<Untaken | undefined> {
    const { instanceId: instance_id, link } = this;
    if (link) {
      const { service_name: service_id } = this.options.service;
      const ids = { subjectId: instance_id, commandId: randomUUID(), actor: service_id };
      const said = { service_id, instance_id, ...what };
      const withinMs = this.ttlMs / 6;
      const asked = commandSuite(link, registryContract[saying], ids, said, withinMs);
      const outcome = await gotWithin(withinMs * 2, asked, this.ending.signal);
      if (!outcome || outcome.kind === 'said') return undefined;
      if (outcome.kind === 'refused') {
        const { message: reason, code, isPassing } = outcome;
        const isForgotten = code === 'instance-unknown';
        return { reason, isForgotten, isRefused: !isForgotten && !isPassing };
      }
    }
    const [method, path] = saying === 'heartbeat' ? BEAT : ANNOUNCEMENT;
    const answer = await this.call(method, this.instancePath + path, what, randomUUID());
    if (isAccepted(answer)) return undefined;
    const status = answer instanceof GatewayUnreachable ? undefined : answer.status;
    const isRefused = status !== undefined && REFUSED_FOR_GOOD.includes(status);
    return { reason: reasonOf(answer), isForgotten: status === 404, isRefused };
  }

  /** Earlier when there is a new connection to tell of. */
  private async nextBeat(): Promise<void> {
    if (this.hasMoved) return;
    const waiting = new AbortController();
    const end = (): void => waiting.abort();
    const forget = this.link?.onConnected(end);
    this.ending.signal.addEventListener('abort', end, { once: true });
    if (this.ending.signal.aborted) end();
    await pause(this.heartbeatMs * (0.9 + Math.random() * 0.2), waiting.signal);
    this.ending.signal.removeEventListener('abort', end);
    forget?.();
  }

  private async end(): Promise<void> {
    const stopTimeoutMs = this.options.stopTimeoutMs ?? 2_000;
    const deadline = AbortSignal.timeout(stopTimeoutMs);
    this.ending.abort();
    await this.running;
    this.settleFirst(new ConnectionStopped('stopped before it was registered'));
    if (!this.mayBeRegistered) return;
    const key = randomUUID();
    for (let tries = 1; ; tries++) {
      const answer = await this.call('DELETE', this.instancePath, undefined, key, deadline);
      if (isAccepted(answer) || (!(answer instanceof GatewayUnreachable) && answer.status === 404))
        return this.tell({ type: 'deregistered' });
      await pause(backOffMs(tries, 100, stopTimeoutMs), deadline);
      if (deadline.aborted)
        return this.tell({ type: 'deregistration-failed', reason: reasonOf(answer) });
    }
  }

  private get instancePath(): string {
    return `/services/${this.options.service.service_name}/instances/${this.instanceId}`;
  }

  private async call(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    body: unknown,
    idempotencyKey: string,
    signal = this.ending.signal,
  ): Promise<Answer> {
    const timeoutMs = this.within(this.options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS);
    try {
      return await this.gateway.call({ method, path, body, idempotencyKey, timeoutMs, signal });
    } catch (fault) {
      if (fault instanceof GatewayUnreachable) return fault;
      throw fault;
    }
  }

  private async backOff(tries: number, answer: Answer): Promise<void> {
    if (this.ending.signal.aborted) return;
    const { retryDelayFirstMs = 200 } = this.options;
    const retryDelayMaxMs = this.within(this.options.retryDelayMaxMs ?? 5_000);
    const asked = answer instanceof GatewayUnreachable ? 0 : (answer.retryAfterMs ?? 0);
    const delayMs = Math.max(
      backOffMs(tries, retryDelayFirstMs, retryDelayMaxMs),
      Math.min(asked, retryDelayMaxMs),
    );
    this.tell({ type: 'retrying', reason: reasonOf(answer), delayMs });
    await pause(delayMs, this.ending.signal);
  }

  /** Two such waits, and a heartbeat over NATS, fit into the time for which a known instance may be silent. */
  private within(ms: number): number {
    return this.told ? Math.min(ms, this.ttlMs / 3) : ms;
  }

  private settleFirst(fault?: Error): void {
    if (!this.isFirstRegistrationOpen) return;
    this.isFirstRegistrationOpen = false;
    this.settleRegistered(fault);
  }

  /** Whoever listens must not be able to end the heartbeats. */
  private tell(event: ConnectionEvent): void {
    try {
      this.options.onEvent?.(event);
    } catch {
      // It is its listener's to say what went wrong there.
    }
  }
}

/** How an instance may begin; that it goes is said of one that is there. */
function begunBy(stage: AnnouncedStage | undefined) {
  if (!stage || stage.lifecycle === 'stopping' || stage.lifecycle === 'failed') return {};
  return { lifecycle: stage.lifecycle, lifecycle_detail: stage.detail };
}

/** A key belongs to what is said with it. */
const keyOf = (key: string, body: object): string =>
  `${key}-${createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 16)}`;

const isAccepted = (answer: Answer): boolean =>
  !(answer instanceof GatewayUnreachable) && answer.status >= 200 && answer.status < 300;

const reasonOf = (answer: Answer): string =>
  answer instanceof GatewayUnreachable
    ? answer.message
    : `HTTP ${answer.status} ${answer.body.slice(0, 500)}`;
