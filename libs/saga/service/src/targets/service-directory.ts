import { querySubject, registryContract } from '@downbeat/contracts';
import { DirectoryFollower, type FollowerStatus } from '@downbeat/discovery';
import { MessageBus } from '@downbeat/message-bus';
import { HostSettings } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { InstanceChoice, type ChosenInstance } from './instance-choice';

const ASK_TIMEOUT_MS = 2_000;
const FIRST_LOOK_MS = 5_000;

/** Where a service can be called, or why it cannot. */
export type Address =
  ChosenInstance | { readonly missing: 'service-unknown' | 'no-healthy-instance' };

/**
 * The registry's directory in memory. Without registry or NATS the last snapshot goes on serving.
 */
@Injectable()
export class ServiceDirectory {
  private readonly logger = new Logger(ServiceDirectory.name);
  private readonly follower: DirectoryFollower;
  private readonly choice: InstanceChoice;

  constructor(bus: MessageBus, { config }: HostSettings) {
    const ports = { now: () => performance.now(), chance: Math.random };
    this.choice = new InstanceChoice(ports, config.DOWNBEAT_ZONE);
    const source = {
      ask: async (input: { readonly since: number }) => {
        const subject = querySubject(registryContract.directory);
        const outcome = await bus.query(subject, { input }, { timeoutMs: ASK_TIMEOUT_MS });
        if (!outcome.ok) throw new Error(outcome.problem.message);
        return outcome.data as registryContract.DirectoryPage;
      },
      onPush: (listener: (push: unknown) => void) =>
        bus.onHint(registryContract.DIRECTORY_PUSH, listener),
    };
    const onTrouble = (fault: unknown): void =>
      this.logger.debug({ err: fault }, 'the registry did not answer');
    this.follower = new DirectoryFollower(source, { onTrouble });
  }

  /** Returns with the first snapshot, or after a moment without: the registry may be starting too. */
  async start(): Promise<void> {
    this.follower.start();
    await this.firstKnown(FIRST_LOOK_MS);
  }

  async stop(): Promise<void> {
    await this.follower.stop();
  }

  /** False: the registry may be starting too, and nothing is said about any service. */
  get isKnown(): boolean {
    return this.follower.isKnown;
  }

  /** Returns with the first snapshot, or after `ms` without. */
  async firstKnown(ms: number): Promise<void> {
    const ending = new AbortController();
    const { signal } = ending;
    const late = pause(ms, undefined, { ref: false, signal }).catch(() => undefined);
    await Promise.race([this.follower.whenKnown(), late]);
    ending.abort();
  }

  /** Looks in memory only. @param key Of the call, the same for all its attempts. */
  choose(serviceName: string, key: string): Address {
    const entry = this.follower.snapshot.serviceOf(serviceName);
    if (entry) return this.choice.choose(entry, key) ?? { missing: 'no-healthy-instance' };
    this.choice.forget(serviceName);
    return { missing: 'service-unknown' };
  }

  status(): FollowerStatus {
    return this.follower.status();
  }
}
