import { auditContract } from '@downbeat/contracts';
import type { StoredCommit } from '@downbeat/event-store';
import { MessageBus } from '@downbeat/message-bus';
import { HostSettings } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import type { z } from 'zod';

export type ChainHead = z.output<typeof auditContract.chainHead>;

/** Heads of the hash chain as they are held outside the database, on the bus. */
@Injectable()
export class ChainHeads {
  readonly #log: string;
  readonly #subject: string;

  constructor(
    private readonly bus: MessageBus,
    { config }: HostSettings,
  ) {
    this.#log = config.LOG_NAME;
    this.#subject = auditContract.chainHeadSubject(this.#log);
  }

  isWithinReach(): boolean {
    return this.bus.status() === 'connected';
  }

  /** @throws {EventsNotConfirmed} It may be published or not; publishing it again is safe. */
  async publish({ commit_no, last, hash, recorded_at }: StoredCommit): Promise<ChainHead> {
    const head: ChainHead = { log: this.#log, commit_no, position: last, hash, recorded_at };
    const messageId = `${this.#log}:${commit_no}:${hash}`;
    await this.bus.keepEvidence({ subject: this.#subject, messageId, body: head });
    return head;
  }

  /** @throws {EvidenceNotRead} */
  async newest(): Promise<ChainHead | undefined> {
    const kept = await this.bus.newestEvidence(this.#subject);
    return kept && headOf(kept.body);
  }

  /** All that is held, oldest first; undefined for what is no head. @throws {EvidenceNotRead} */
  async *held(): AsyncGenerator<readonly (ChainHead | undefined)[]> {
    for await (const page of this.bus.evidence(this.#subject))
      yield page.map(({ body }) => headOf(body));
  }
}

const headOf = (body: unknown): ChainHead | undefined =>
  auditContract.chainHead.safeParse(body).data;
