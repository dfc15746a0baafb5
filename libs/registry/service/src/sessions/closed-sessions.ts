import type { registryContract } from '@downbeat/contracts';
import { EventStore, execute } from '@downbeat/event-store';
import { instantOf, type Recorded } from '@downbeat/eventsourcing';
import { MessageBus, type ClosedSession } from '@downbeat/message-bus';
import {
  endingOf,
  expiryAllowance,
  instanceRegistration,
  instanceStream,
  type DirectoryEvent,
  type InstanceName,
} from '@downbeat/registry-domain';
import { Clock, HostSettings, loadConfig, newId } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { LiveDirectory } from '../directory/live-directory';
import { instanceConfig } from '../registry-config';

/** The other side has closed, or was gone when it was written to: the process ended, or said goodbye. */
const CLOSED_BY_CLIENT: readonly string[] = ['Client Closed', 'Read Error', 'Write Error'];
/** The server goes, and with it everybody's connection: that says nothing about them. */
const SERVER_GOES = 'Server Shutdown';
/** An instance may be heard of after its session has closed. */
const REMEMBERED_MS = 10_000;
const REMEMBERED_MAX = 10_000;
/** More than this share of all sessions, and more than so many, within a moment: then it is not they who end. */
const BURST = { ms: 1_000, share: 0.25, least: 10 };
/** Long enough for those that live to come back over another connection, and to say so. */
const BURST_WAIT_MS = 3_000;
const RETRY_MS = 500;
const TRIES_MAX = 10;

type Known = { readonly at: number; readonly session: ClosedSession };

/**
 * Takes an instance out of service when its connection closes, within milliseconds. Connections that
 * the server gave up are believed for a share of a service's instances only: when many go silent at
 * once it is more likely the network, and heartbeats decide. When many close at once, those that come
 * back are waited for. That a connection is open keeps nobody: who closed while no registry listened is
 * known by its heartbeats alone.
 */
@Injectable()
export class ClosedSessions {
  private readonly logger = new Logger(ClosedSessions.name);
  /** Oldest first. Times are of a clock that never goes back. */
  private readonly closed = new Map<string, Known>();
  /** When connections of instances closed, a moment ago. */
  private recent: readonly number[] = [];
  /** When instances were given up in this window, by whomever and for whichever reason. Oldest first. */
  private readonly givenUp = new Map<string, InstanceName & { readonly at: number }>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly shareMax: number;
  private readonly windowMs: number;
  private forget: () => void = () => undefined;

  constructor(
    private readonly directory: LiveDirectory,
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly clock: Clock,
    settings: HostSettings,
  ) {
    const config = loadConfig(instanceConfig, settings.environment);
    this.shareMax = config.REGISTRY_EXPIRY_SHARE_MAX;
    this.windowMs = config.REGISTRY_EXPIRY_WINDOW_MS;
  }

  start(): void {
    const forgetBus = this.bus.onSessionClosed((session) => this.learn(session));
    const forgetDirectory = this.directory.onRead((events) => {
      for (const event of events) this.read(event);
    });
    this.forget = () => {
      forgetBus();
      forgetDirectory();
    };
  }

  stop(): void {
    this.forget();
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private read(event: Recorded<DirectoryEvent>): void {
    if (event.type === 'InstanceTerminating') {
      const { ending = endingOf(event.data.reason) } = event.data;
      const agoMs = this.clock.now() - Date.parse(event.recorded_at);
      if (ending !== 'deregistered') this.noteGivenUp(event.data, agoMs);
    }
    if (event.type !== 'InstanceRegistered' && event.type !== 'InstanceSessionMoved') return;
    const { session } = event.data;
    const known = session && this.closed.get(keyOf(session));
    if (known) this.close(known.session);
  }

  private learn(session: ClosedSession): void {
    if (session.reason === SERVER_GOES) return;
    const now = performance.now();
    this.closed.set(keyOf(session), { at: now, session });
    for (const [key, { at }] of this.closed) {
      if (this.closed.size <= REMEMBERED_MAX && now - at < REMEMBERED_MS) break;
      this.closed.delete(key);
    }
    // Other clients come and go as they like.
    if (this.directory.instancesOf(session).length === 0) return;
    if (this.isBurst(now)) this.later(BURST_WAIT_MS, () => this.close(session));
    else this.close(session);
  }

  private isBurst(now: number): boolean {
    this.recent = [...this.recent.filter((at) => now - at < BURST.ms), now];
    return this.recent.length > Math.max(BURST.least, this.directory.sessionCount * BURST.share);
  }

  private close(session: ClosedSession): void {
    for (const instance of this.directory.instancesOf(session)) {
      const { service_id: service_name, instance_id } = instance;
      const { reason } = session;
      if (CLOSED_BY_CLIENT.includes(reason) || this.mayGiveUp(instance))
        this.decide(instance, session, 1);
      else
        this.logger.warn(
          { instance_id, service_name, reason },
          'too many instances of a service lost their connection at once: heartbeats will decide',
        );
    }
  }

  private mayGiveUp(instance: InstanceName): boolean {
    const { service_id } = instance;
    const recent = this.givenUpOf(service_id);
    // Some of them are listed as present until the log is read.
    const gone = recent.filter((one) => !this.directory.isPresent(one));
    const registered = this.directory.presentInstances(service_id) + gone.length;
    const mayGo = expiryAllowance(registered, recent.length, this.shareMax) > 0;
    if (mayGo) this.noteGivenUp(instance);
    return mayGo;
  }

  /** @param agoMs Since it was given up: what is read late is not new. */
  private noteGivenUp({ service_id, instance_id }: InstanceName, agoMs = 0): void {
    const now = performance.now();
    for (const [id, { at }] of this.givenUp) {
      if (now - at < this.windowMs) break;
      this.givenUp.delete(id);
    }
    // The last time counts, of one that goes again and again.
    this.givenUp.delete(instance_id);
    this.givenUp.set(instance_id, { service_id, instance_id, at: now - Math.max(0, agoMs) });
  }

  private givenUpOf(serviceName: string): readonly InstanceName[] {
    const since = performance.now() - this.windowMs;
    return [...this.givenUp.values()].filter(
      ({ service_id, at }) => service_id === serviceName && at > since,
    );
  }

  private decide(instance: InstanceName, session: ClosedSession, tries: number): void {
    this.record(instance, session).catch((fault: unknown) => {
      const { instance_id } = instance;
      this.logger.warn({ err: fault, instance_id, tries }, 'a closed session was not recorded');
      // After that its heartbeats, which stay away too, are noticed.
      if (tries < TRIES_MAX)
        this.later(RETRY_MS * tries, () => this.decide(instance, session, tries + 1));
    });
  }

  private later(ms: number, what: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      what();
    }, ms);
    this.timers.add(timer);
  }

  private async record(
    instance: InstanceName,
    { server_id, client_id }: ClosedSession,
  ): Promise<void> {
    const id = newId();
    const meta = { correlation_id: id, causation_id: id, actor: 'registry-sessions' };
    const stream = instanceStream(instance.instance_id);
    const data = { ...instance, session: { server_id, client_id } };
    const command = { type: 'CloseSession', data, at: instantOf(this.clock.now()) } as const;
    await execute(this.store, instanceRegistration, stream, command, { meta });
  }
}

const keyOf = ({ server_id, client_id }: registryContract.NatsSession): string =>
  `${client_id} of ${server_id}`;
