import { querySubject, registryContract, type AnswerOf } from '@downbeat/contracts';
import { MessageBus } from '@downbeat/message-bus';
import { Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';

type Snapshot = AnswerOf<typeof registryContract.directory>;
type Service = Snapshot['services'][number];

const REFRESH_EVERY_MS = 2_000;
const ASK_TIMEOUT_MS = 2_000;
const FIRST_LOOKS_MAX = 20;
const FIRST_LOOK_PAUSE_MS = 250;

/** Where a service can be called, or why it cannot. */
export type Address =
  { readonly url: string } | { readonly missing: 'service-unknown' | 'no-healthy-instance' };

interface Entry {
  readonly service: Service;
  /** Whose turn it is: round robin over the healthy instances. */
  turn: number;
}

/**
 * A snapshot of the registry in memory. It is swapped whole when the registry hints at a change;
 * without registry or NATS the last one goes on serving.
 */
@Injectable()
export class ServiceDirectory {
  private readonly logger = new Logger(ServiceDirectory.name);
  private readonly refreshing = new Periodic('refreshing the directory', REFRESH_EVERY_MS, () =>
    this.refresh(),
  );
  private entries: ReadonlyMap<string, Entry> = new Map();
  private position = -1;
  /** The registry hinted that it has something new up to here. */
  private wanted = 0;
  private refreshedAt = 0;
  private underWay: Promise<void> | undefined;
  private isStale = false;
  private tellFirst: () => void = () => undefined;
  private readonly first = new Promise<void>((resolve) => (this.tellFirst = resolve));
  private unsubscribe: () => void = () => undefined;

  constructor(private readonly bus: MessageBus) {}

  /** Returns with the first snapshot, or after a moment without: the registry may be starting too. */
  async start(): Promise<void> {
    this.unsubscribe = this.bus.onHint(registryContract.DIRECTORY_HINT, (payload) => {
      const { position } = payload as { position?: unknown };
      this.hinted(typeof position === 'number' ? position : 0);
    });
    this.refreshing.start();
    for (let turn = 0; turn < FIRST_LOOKS_MAX && !this.isKnown; turn++) {
      this.hinted(0);
      await this.firstKnown(FIRST_LOOK_PAUSE_MS);
    }
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    await this.refreshing.stop();
    await Promise.allSettled([this.underWay]);
  }

  /** False: the registry may be starting too, and nothing is said about any service. */
  get isKnown(): boolean {
    return this.refreshedAt > 0;
  }

  /** Returns with the first snapshot, or after `ms` without. */
  async firstKnown(ms: number): Promise<void> {
    await Promise.race([this.first, pause(ms, undefined, { ref: false })]);
  }

  /** Looks in memory only. */
  addressOf(serviceName: string): Address {
    const entry = this.entries.get(serviceName);
    if (!entry) return { missing: 'service-unknown' };
    const { targets, base_url, instance_count } = entry.service;
    const target = targets[entry.turn++ % Math.max(1, targets.length)];
    if (target) return { url: target.url };
    // An address of the whole service is for those that register no instances.
    if (base_url !== undefined && instance_count === 0) return { url: base_url.replace(/\/$/, '') };
    return { missing: 'no-healthy-instance' };
  }

  status(): { readonly services: number; readonly position: number; readonly age_ms: number } {
    const age_ms = this.refreshedAt === 0 ? -1 : Date.now() - this.refreshedAt;
    return { services: this.entries.size, position: this.position, age_ms };
  }

  private hinted(position: number): void {
    this.wanted = Math.max(this.wanted, position);
    // A hint that comes while the answer is under way may be about something newer.
    if (this.underWay) this.isStale = true;
    else
      this.refresh().catch((fault: unknown) =>
        this.logger.debug({ err: fault }, 'the registry did not answer'),
      );
  }

  private refresh(): Promise<void> {
    this.underWay ??= this.ask().finally(() => {
      this.underWay = undefined;
      if (!this.isStale) return;
      this.isStale = false;
      this.hinted(0);
    });
    return this.underWay;
  }

  private async ask(): Promise<void> {
    const subject = querySubject(registryContract.directory);
    const payload = { input: {}, min_position: this.wanted };
    const outcome = await this.bus.query(subject, payload, { timeoutMs: ASK_TIMEOUT_MS });
    if (!outcome.ok) throw new Error(outcome.problem.message);
    this.refreshedAt = Date.now();
    this.tellFirst();
    if (outcome.position < this.position) return; // A replica that lags behind answered.
    this.position = outcome.position;
    const snapshot = outcome.data as Snapshot;
    this.entries = new Map(
      snapshot.services.map((service) => {
        const turn = this.entries.get(service.service_name)?.turn ?? 0;
        return [service.service_name, { service, turn }];
      }),
    );
  }
}
