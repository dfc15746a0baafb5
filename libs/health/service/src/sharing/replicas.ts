import { ownerOf } from '@downbeat/health-domain';
import { ContextPool, newId, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';

const BEAT_EVERY_MS = 500;
/** One that was silent for so long has no share any more, and must not act as if it had. */
const SILENT_MS = 2_500;
const FORGOTTEN_AFTER_MS = 60_000;

/**
 * Which replicas are alive, by times of the database, and what is this one's share. Two replicas may
 * both believe to have a key while one comes or goes, for a beat; none believes it for longer than
 * the others wait for it.
 *
 * @see Cary Gray, David Cheriton, "Leases", SOSP 1989, for why the holder counts from its question.
 */
@Injectable()
export class Replicas {
  readonly id = newId();
  private members: readonly string[] = [];
  /** On this process's monotonic clock. */
  private sureUntil = 0;
  /** Of whom was told last. */
  private told = '';
  /** Somebody got no answer: it is told when there is one, whether or not it is another than before. */
  private isOwedAnswer = false;
  private onChange: () => void = () => undefined;
  private readonly beating = new Periodic('telling that we are alive', BEAT_EVERY_MS, () =>
    this.beat(),
  );

  constructor(private readonly pool: ContextPool) {}

  async prepare(): Promise<void> {
    await this.pool.createOnce(
      'check_replica',
      `create unlogged table if not exists check_replica (
         replica_id text collate "C" primary key,
         seen_at timestamptz not null
       )`,
    );
  }

  /** @param onChange Called when shares may have changed. */
  start(onChange: () => void): void {
    this.onChange = onChange;
    this.beating.start({ atOnce: true });
  }

  /** Gives the share to the others at once. */
  async stop(): Promise<void> {
    await this.beating.stop();
    this.sureUntil = 0;
    await this.pool.query('delete from check_replica where replica_id = $1', [this.id]);
  }

  /** Those alive, this one included; none when this one cannot tell. */
  get alive(): readonly string[] {
    return this.isSure ? this.members : [];
  }

  owns(key: string): boolean {
    if (!this.isSure) this.isOwedAnswer = true;
    return this.isSure && ownerOf(key, this.members) === this.id;
  }

  private get isSure(): boolean {
    return performance.now() < this.sureUntil;
  }

  private async beat(): Promise<void> {
    const askedAt = performance.now();
    try {
      const { rows } = await this.pool.query<{ replica_id: string }>(BEAT, [
        this.id,
        SILENT_MS / 1_000,
        FORGOTTEN_AFTER_MS / 1_000,
      ]);
      this.members = [...rows.map(({ replica_id }) => replica_id), this.id].sort();
      this.sureUntil = askedAt + SILENT_MS;
    } finally {
      const alive = this.alive.join();
      const isNews = alive !== this.told || (this.isOwedAnswer && this.isSure);
      this.told = alive;
      if (this.isSure) this.isOwedAnswer = false;
      if (isNews) this.onChange();
    }
  }
}

/** Tells and asks in one. Whoever deletes what is old does not wait for others who do. */
const BEAT = `
  with told as (
    insert into check_replica (replica_id, seen_at) values ($1, clock_timestamp())
    on conflict (replica_id) do update set seen_at = excluded.seen_at
  ), forgotten as (
    delete from check_replica where replica_id in (
      select replica_id from check_replica
      where seen_at < clock_timestamp() - make_interval(secs => $3::float8)
      for update skip locked
    )
  )
  select replica_id from check_replica
  where seen_at > clock_timestamp() - make_interval(secs => $2::float8) and replica_id <> $1`;
