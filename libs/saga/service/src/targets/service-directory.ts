import { querySubject, registryContract } from '@downbeat/contracts';
import { DirectoryFollower, type FollowerStatus } from '@downbeat/discovery';
import { MessageBus } from '@downbeat/message-bus';
import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';

const ASK_TIMEOUT_MS = 2_000;
const FIRST_LOOK_MS = 5_000;

/** Where a service can be called, or why it cannot. */
export type Address =
  { readonly url: string } | { readonly missing: 'service-unknown' | 'no-healthy-instance' };

/**
 * The registry's directory in memory. Without registry or NATS the last snapshot goes on serving.
 */
@Injectable()
export class ServiceDirectory {
  private readonly logger = new Logger(ServiceDirectory.name);
  private readonly follower: DirectoryFollower;
  /** Whose turn it is at each service: round robin over the instances that take calls. */
  private readonly turns = new Map<string, number>();

  constructor(bus: MessageBus) {
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

  /** Looks in memory only. */
  addressOf(serviceName: string): Address {
    const entry = this.follower.snapshot.serviceOf(serviceName);
    if (!entry) return { missing: 'service-unknown' };
    const { targets, base_url, instance_count } = entry;
    const turn = this.turns.get(serviceName) ?? 0;
    this.turns.set(serviceName, turn + 1);
    const target = targets[turn % Math.max(1, targets.length)];
    if (target) return { url: target.url };
    // An address of the whole service is for those that register no instances.
    if (base_url !== undefined && instance_count === 0) return { url: base_url.replace(/\/$/, '') };
    return { missing: 'no-healthy-instance' };
  }

  status(): FollowerStatus {
    return this.follower.status();
  }
}
