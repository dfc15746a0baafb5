import { EventStore, type Snapshot } from '@downbeat/event-store';
import { fold } from '@downbeat/eventsourcing';
import {
  configurationHistory,
  configurationStream,
  type ConfigurationEvent,
  type ConfigurationHistory,
} from '@downbeat/registry-domain';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

const KNOWN_MAX = 1_000;

/** The histories of configurations, kept in memory: every acknowledgement needs one, and some are long. */
@Injectable()
export class KnownHistories {
  private readonly known = new LRUCache<string, Snapshot<ConfigurationHistory>>({
    max: KNOWN_MAX,
  });

  constructor(private readonly store: EventStore) {}

  /** As the log has it now. */
  async newest(serviceId: string, environment: string): Promise<Snapshot<ConfigurationHistory>> {
    const stream = configurationStream(serviceId, environment);
    const { initialState } = configurationHistory;
    const known = this.known.get(stream) ?? { state: initialState, version: 0, position: 0 };
    const news = await this.store.load<ConfigurationEvent>(stream, known.version);
    const newest = {
      state: fold(configurationHistory, news, known.state),
      version: known.version + news.length,
      position: news.at(-1)?.position ?? known.position,
    };
    if (newest.version > (this.known.get(stream)?.version ?? 0)) this.known.set(stream, newest);
    return newest;
  }
}
