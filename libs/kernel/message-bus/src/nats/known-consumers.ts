import type { NatsConnection } from 'nats';
import { ConsumersNotListed } from '../errors';

/** A thousand names a page: far more than a server holds. */
const PAGES_MAX = 1_000;
/** One that vanishes meanwhile is missed by who pulls from it, who asks again. */
const FRESH_MS = 1_000;

interface Page {
  readonly total?: number;
  readonly consumers?: readonly string[] | null;
  readonly error?: { readonly description?: string };
}

/**
 * Which consumers one life of a stream has: a page of names costs the server less than five consumers that are
 * made although they are there, and a hundred instances that bind at once want the same five hundred.
 */
export class KnownConsumers {
  private names: Set<string> = new Set();
  private created: string | undefined;
  private listedAt = -Infinity;
  private listing: { readonly created: string; readonly done: Promise<void> } | undefined;

  constructor(
    private readonly nats: NatsConnection,
    private readonly stream: string,
    private readonly timeoutMs: number,
  ) {}

  /** @returns Those of `durables` that are missing. @throws {ConsumersNotListed} @throws {NatsError} */
  async missing(created: string, durables: readonly string[]): Promise<readonly string[]> {
    if (this.created !== created || performance.now() - this.listedAt > FRESH_MS)
      await this.list(created);
    return durables.filter((durable) => !this.names.has(durable));
  }

  made(created: string, durable: string): void {
    if (this.created === created) this.names.add(durable);
  }

  removed(durable: string): void {
    this.names.delete(durable);
  }

  /** Those who ask at the same time share the answer. */
  private async list(created: string): Promise<void> {
    if (this.listing?.created === created) return this.listing.done;
    const done = this.allNames()
      .then((names) => {
        this.names = names;
        this.created = created;
        this.listedAt = performance.now();
      })
      .finally(() => (this.listing = undefined));
    this.listing = { created, done };
    return done;
  }

  private async allNames(): Promise<Set<string>> {
    const names = new Set<string>();
    for (let page = 0, offset = 0; page < PAGES_MAX; page++) {
      const { total = 0, consumers } = await this.page(offset);
      for (const name of consumers ?? []) names.add(name);
      offset += consumers?.length ?? 0;
      if (offset >= total || !consumers?.length) break;
    }
    return names;
  }

  private async page(offset: number): Promise<Page> {
    const subject = `$JS.API.CONSUMER.NAMES.${this.stream}`;
    const reply = await this.nats.request(subject, JSON.stringify({ offset }), {
      timeout: this.timeoutMs,
    });
    const page = reply.json<Page>();
    if (page.error) throw new ConsumersNotListed(page.error.description ?? 'it does not say why');
    return page;
  }
}
