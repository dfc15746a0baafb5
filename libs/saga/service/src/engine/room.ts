import { calledServices, type CompiledDefinition } from '@downbeat/saga-domain';
import type { Admission } from '../admission/admission';
import { EngineFull, TargetClogged } from './errors';

const OPEN_MAX = 20_000;
/** Of the runs that may be open, so many more may be opened for what is said to runs that rest. */
const OPERATED_PART = 0.1;
const OPERATED_MIN = 16;
const RETRY_SECONDS_MAX = 30;

export interface RoomOptions {
  /** Runs held in memory; default 20,000. New ones are turned away from then on. */
  readonly openMax?: number;
  /** Beyond those, for operators and signals; default a tenth of them, at least 16. */
  readonly operatedMax?: number;
  readonly admission: Pick<Admission, 'cloggedAmong'>;
  readonly clock: { now(): number };
  /** A random number from 0 to 1. */
  readonly chance: () => number;
}

/**
 * What a process takes on. Runs that were accepted go before new ones: their calls are never turned
 * away, those that a dead replica left behind come first, and so does what is said to them.
 */
export class Room {
  readonly openMax: number;
  private readonly operatedMax: number;
  /** New runs turned away since the process began. */
  turnedAway = 0;
  /** Runs that nobody holds are waiting for room here. */
  private hasRunsAhead = false;
  /** When the first new run was turned away since there was room last. */
  private fullSince: number | undefined;

  constructor(private readonly options: RoomOptions) {
    this.openMax = options.openMax ?? OPEN_MAX;
    this.operatedMax =
      options.operatedMax ?? Math.max(OPERATED_MIN, Math.ceil(this.openMax * OPERATED_PART));
  }

  /** How many more runs may be open than are. */
  left(open: number): number {
    return Math.max(0, this.openMax - open);
  }

  /** How many new ones would not be turned away. */
  leftForNew(open: number): number {
    return this.hasRunsAhead ? 0 : this.left(open);
  }

  /** What the last take-over has found: whether it has left accepted runs where they were. */
  keepForOthers(hasRunsAhead: boolean, open: number): void {
    this.hasRunsAhead = hasRunsAhead;
    this.heed(open);
  }

  /** Said when fewer runs are open: with room for a new one, being full is over. */
  heed(open: number): void {
    if (this.leftForNew(open) > 0) this.fullSince = undefined;
  }

  /** Why a new run is turned away; undefined: it is welcome. */
  whyNot(open: number, definition: CompiledDefinition): EngineFull | TargetClogged | undefined {
    const service = this.options.admission.cloggedAmong(calledServices(definition));
    if (service !== undefined)
      return new TargetClogged(`enough calls wait for ${service}, which the workflow would call`);
    if (this.leftForNew(open) > 0) return undefined;
    this.fullSince ??= this.options.clock.now();
    if (this.left(open) === 0) return new EngineFull(`${this.openMax} runs are open already`);
    return new EngineFull('runs that were accepted before wait for room');
  }

  /** @throws {EngineFull} So many runs are open that not even what is said to others can be heard. */
  assertForOperators(open: number): void {
    const max = this.openMax + this.operatedMax;
    if (open >= max) throw new EngineFull(`${max} runs are open already`);
  }

  /**
   * Seconds until it is worth asking again: more the longer this process is full, and not the same
   * for all. One or two when it has room and a service has too many calls before it.
   */
  retryAfterSeconds(): number {
    const { clock, chance } = this.options;
    const lastsSeconds = (clock.now() - (this.fullSince ?? clock.now())) / 1_000;
    return Math.min(RETRY_SECONDS_MAX, 1 + Math.floor(chance() * (2 + lastsSeconds)));
  }
}
