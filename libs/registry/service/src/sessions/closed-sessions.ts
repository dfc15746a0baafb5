import type { registryContract } from '@downbeat/contracts';
import { EventStore, execute } from '@downbeat/event-store';
import { Fault, instantOf } from '@downbeat/eventsourcing';
import { MessageBus, type ClosedSession } from '@downbeat/message-bus';
import {
  expiryAllowance,
  instanceRegistration,
  instanceStream,
  type InstanceName,
} from '@downbeat/registry-domain';
import { Clock, HostSettings, loadConfig, newId } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { LiveDirectory } from '../directory/live-directory';
import { registryConfig } from '../registry-config';

/** What the server writes when the other side has closed: the process ended, or said goodbye. */
const CLOSED_BY_CLIENT = 'Client Closed';
/** The server goes, and with it everybody's connection: that says nothing about them. */
const SERVER_GOES = 'Server Shutdown';
/** An instance may be heard of after its session has closed. */
const REMEMBERED_MS = 10_000;
const REMEMBERED_MAX = 10_000;

/**
 * Takes an instance out of service when its connection closes, within milliseconds. Connections that
 * the server gave up are believed for a share of a service's instances only: when many go silent at
 * once it is more likely the network, and heartbeats decide.
 */
@Injectable()
export class ClosedSessions {
  private readonly logger = new Logger(ClosedSessions.name);
  /** When each closed, oldest first. */
  private readonly closed = new Map<
    string,
    { readonly at: number; readonly session: ClosedSession }
  >();
  private readonly givenUp = new Map<string, number[]>();
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
    const config = loadConfig(registryConfig, settings.environment);
    this.shareMax = config.REGISTRY_EXPIRY_SHARE_MAX;
    this.windowMs = config.REGISTRY_EXPIRY_WINDOW_MS;
  }

  start(): void {
    const forgetBus = this.bus.onSessionClosed((session) => this.learn(session));
    const forgetDirectory = this.directory.onListed((sessions) => {
      for (const session of sessions) {
        const known = this.closed.get(keyOf(session));
        if (known) this.close(known.session);
      }
    });
    this.forget = () => {
      forgetBus();
      forgetDirectory();
    };
  }

  stop(): void {
    this.forget();
  }

  private learn(session: ClosedSession): void {
    if (session.reason === SERVER_GOES) return;
    const now = this.clock.now();
    this.closed.set(keyOf(session), { at: now, session });
    for (const [key, { at }] of this.closed) {
      if (this.closed.size <= REMEMBERED_MAX && now - at < REMEMBERED_MS) break;
      this.closed.delete(key);
    }
    this.close(session);
  }

  private close(session: ClosedSession): void {
    const instance = this.directory.instanceOf(session);
    if (!instance) return;
    if (session.reason !== CLOSED_BY_CLIENT && !this.mayGiveUp(instance)) {
      this.logger.warn(
        {
          instance_id: instance.instance_id,
          service_name: instance.service_id,
          reason: session.reason,
        },
        'too many instances of a service lost their connection at once: heartbeats will decide',
      );
      return;
    }
    this.decide(instance, session).catch((fault: unknown) => {
      if (!(fault instanceof Fault)) throw fault;
      // Its heartbeats stay away too, and are noticed later.
      this.logger.warn(
        { err: fault, instance_id: instance.instance_id },
        'a closed session was not recorded',
      );
    });
  }

  private mayGiveUp({ service_id }: InstanceName): boolean {
    const now = this.clock.now();
    const recent = (this.givenUp.get(service_id) ?? []).filter((at) => now - at < this.windowMs);
    const registered = this.directory.presentInstances(service_id) + recent.length;
    const mayGo = expiryAllowance(registered, recent.length, this.shareMax) > 0;
    if (mayGo) recent.push(now);
    if (recent.length > 0) this.givenUp.set(service_id, recent);
    else this.givenUp.delete(service_id);
    return mayGo;
  }

  private async decide(
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
