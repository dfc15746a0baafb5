import { RetentionPolicy, type JetStreamManager, type NatsConnection, type StreamInfo } from 'nats';
import type { BusLog } from '../bus-log';
import type { BusMetrics } from '../bus-metrics';
import { missingOf, putBack, rescue, type Rescued } from './stream-rescue';
import type { StreamSpec } from './stream-spec';

/** How often another replica may have taken the new stream for the broken one. */
const PUT_BACK_MAX = 3;
/** Replicas notice at the same moment; so long, at most, one of them waits for another. */
const APART_MS_MAX = 500;

interface Lives {
  find(name: string): Promise<StreamInfo | undefined>;
  create(spec: StreamSpec): Promise<StreamInfo>;
  ensure(spec: StreamSpec, isOwner: boolean): Promise<StreamInfo>;
}

/**
 * Deletes a stream that cannot store any more and makes it anew. What a work queue still has in
 * memory is put on the new one; events come again from their log.
 */
export class StreamRemaking {
  /** By the life of the stream that is to be replaced. */
  private readonly running = new Map<string, Promise<StreamInfo>>();

  constructor(
    private readonly nats: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly lives: Lives,
    private readonly metrics: BusMetrics,
    private readonly log: BusLog,
  ) {}

  /** @param created The life of the stream that is broken: one that another replica made is left as it is. */
  remake(spec: StreamSpec, created: string, isOwner: boolean): Promise<StreamInfo> {
    const life = `${spec.name} ${created}`;
    const running = this.running.get(life);
    if (running) return running;
    const remaking = this.replace(spec, created, isOwner).finally(() => this.running.delete(life));
    this.running.set(life, remaking);
    return remaking;
  }

  private async replace(spec: StreamSpec, created: string, isOwner: boolean): Promise<StreamInfo> {
    this.log.error('the files of a stream are gone; it is made anew', { stream: spec.name });
    const early = await this.rescued(spec, created);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * APART_MS_MAX));
    // Until its next file is due it still takes messages.
    const late = await this.rescued(spec, created, (early.at(-1)?.seq ?? 0) + 1);
    const rescued = [...early, ...late];
    // JetStream cannot delete under a condition: what is made anew between these two requests is deleted all the same.
    const now = await this.lives.find(spec.name);
    if (now && String(now.created) !== created) {
      const begun = Date.parse(String(now.created));
      const ofBefore = rescued.filter(({ storedAt }) => storedAt <= begun);
      return this.filled(spec, now, ofBefore, isOwner);
    }
    if (now) await this.manager.streams.delete(spec.name);
    const made = await this.lives.create(spec);
    this.metrics.streamsRemade++;
    return this.filled(spec, made, rescued, isOwner);
  }

  /** Who made the stream anew may have ended before it held everything, so each puts back what it has. */
  private async filled(
    spec: StreamSpec,
    made: StreamInfo,
    rescued: readonly Rescued[],
    isOwner: boolean,
  ): Promise<StreamInfo> {
    let life = made;
    for (let tries = 0; tries < PUT_BACK_MAX; tries++) {
      const held = rescued.length > 0 ? await this.rescued(spec, String(life.created)) : [];
      await putBack(this.nats, missingOf(rescued, held));
      const there = await this.lives.ensure(spec, isOwner);
      if (String(there.created) === String(life.created)) break;
      life = there;
    }
    return life;
  }

  private async rescued(
    { name, retention }: StreamSpec,
    created: string,
    from = 1,
  ): Promise<readonly Rescued[]> {
    if (retention !== RetentionPolicy.Workqueue) return [];
    return rescue(this.manager, name, created, from);
  }
}
