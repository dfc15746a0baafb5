import {
  LeaseLost,
  type Appended,
  type EventStore,
  type HeldStream,
  type Leases,
} from '@downbeat/event-store';
import { instantOf, Rejection } from '@downbeat/eventsourcing';
import { workflowStream, type StartWorkflow } from '@downbeat/saga-domain';
import type { DefinitionLibrary, KnownDefinition } from '../definitions/definition-library';
import { DefinitionMissing, EngineNotRunning } from './errors';
import { Family, type Reach } from './family';
import { OpenRun } from './open-run';
import { runOf, type Operation } from './operation';
import type { ReplicaLease } from './replica-lease';
import { Room, type RoomOptions } from './room';
import type { Asked } from './run-stream';
import type { Behaviour, RunInHand, RunSurroundings } from './surroundings';

const DRAIN_MS = 2_000;
const TROUBLES_SHOWN_MAX = 10;
const STREAM_PREFIX = workflowStream('').length;

type Own = 'onIdle' | 'behaviourOf' | 'versionOf' | 'family' | 'onIncident' | 'onRecorded';
type Given = Omit<RunSurroundings, Own>;

export interface EngineOptions extends Given, Pick<RoomOptions, 'openMax' | 'operatedMax'> {
  /** Default: nobody is told. */
  readonly onIncident?: RunSurroundings['onIncident'];
  /** Default: nobody is told. */
  readonly onRecorded?: RunSurroundings['onRecorded'];
  readonly store: EventStore;
  readonly leases: Leases;
  readonly library: DefinitionLibrary;
  /** Whether no run of a workflow may begin for now, as a step of another one; default: none is. */
  readonly isPaused?: (workflowName: string) => Promise<boolean>;
}

/** Who says something to a run: a person or a service, or another run that waits for it. */
export type Speaker = 'outsider' | 'relative';

/** All runs this process holds, in memory. The log has everything that is needed to hold them elsewhere. */
export class RunEngine {
  private readonly open = new Map<string, OpenRun>();
  private lease: ReplicaLease | undefined;
  private readonly space: Room;
  private reach: Reach = async () => {
    throw new EngineNotRunning('nobody can be reached yet');
  };
  private readonly surroundings: RunSurroundings;

  constructor(private readonly options: EngineOptions) {
    this.space = new Room(options);
    this.surroundings = {
      onIncident: () => undefined,
      onRecorded: () => undefined,
      ...options,
      behaviourOf: (name, version) => this.behaviourOf(name, version),
      versionOf: (name, version) => options.library.find(name, version),
      onIdle: (run) => this.forget(run),
      family: new Family({
        store: options.store,
        library: options.library,
        start: (command, known, asked) => this.start(command, known, asked),
        reach: (word, cause) => this.reach(word, cause),
        isPaused: options.isPaused ?? (() => Promise.resolve(false)),
      }),
    };
  }

  /** How one run reaches another, whichever replica holds it; said once, before the engine begins. */
  reachBy(reach: Reach): void {
    this.reach = reach;
  }

  /** How many more runs this process may hold. */
  get room(): number {
    return this.space.left(this.open.size);
  }

  /** How many of those may be new ones. */
  get roomForNew(): number {
    return this.lease ? this.space.leftForNew(this.open.size) : 0;
  }

  /** Whether accepted runs wait for room here; new ones are turned away for so long. */
  keepRoom(hasRunsAhead: boolean): void {
    this.space.keepForOthers(hasRunsAhead, this.open.size);
  }

  /** For those who were turned away. */
  retryAfterSeconds(): number {
    return this.space.retryAfterSeconds();
  }

  /** From memory; `troubles`: runs that cannot go on for now, the first few of them. */
  status() {
    const troubles = [...this.open.values()].flatMap(({ id, trouble }) =>
      trouble ? [{ workflow_id: id, code: trouble.code, since: instantOf(trouble.since) }] : [],
    );
    return {
      open_runs: this.open.size,
      open_runs_max: this.space.openMax,
      starts_turned_away: this.space.turnedAway,
      calls_under_way: this.options.admission.underWay,
      calls_waiting: this.options.admission.waiting,
      troubled_runs: troubles.length,
      troubles: troubles.slice(0, TROUBLES_SHOWN_MAX),
    };
  }

  /** From now on runs are held under this lease. */
  begin(lease: ReplicaLease): void {
    this.lease = lease;
  }

  /**
   * Starts a run, or compares with what the log says if it is there already.
   *
   * @throws {EngineFull} Nothing was stored; another process may have room.
   * @throws {TargetClogged} Nothing was stored.
   * @throws {EngineNotRunning}
   */
  async start(
    command: StartWorkflow,
    known: KnownDefinition,
    asked: Asked,
  ): Promise<Appended | Rejection> {
    const id = command.workflow_id;
    // Parents wait for their children: those are not to wait for room.
    const why = command.parent ? undefined : this.space.whyNot(this.open.size, known.definition);
    if (why && !(await this.isThere(id))) {
      this.space.turnedAway++;
      throw why;
    }
    const ask = () => this.opened(id, true).ask(command, asked, known);
    try {
      return await ask();
    } catch (fault) {
      if (!(fault instanceof LeaseLost)) throw fault;
      return ask(); // The run exists, and has just changed hands: compare with what the log says.
    }
  }

  /**
   * Puts an operator's command to a run, whatever it is doing.
   *
   * @param speaker What a relative says is heard in any case: runs that wait for one another must
   *                not wait for room.
   * @throws {LeaseLost} Another process holds it. @throws {EngineFull} It was not asked.
   */
  async tell(
    command: Operation,
    asked: Asked,
    speaker: Speaker = 'outsider',
  ): Promise<Appended | Rejection> {
    const id = runOf(command);
    if (speaker === 'outsider' && !this.open.has(id)) this.space.assertForOperators(this.open.size);
    return this.opened(id, false).ask(command, asked);
  }

  /**
   * Goes on with runs that this process holds from now on, or should know that it holds.
   *
   * @returns How many of them it had not open and does hold.
   */
  async resume(held: readonly HeldStream[], lease: ReplicaLease): Promise<number> {
    if (lease !== this.lease) return 0;
    const runs = held.map(({ stream, epoch }) => ({ id: stream.slice(STREAM_PREFIX), epoch }));
    const resumeOne = async (id: string, epoch: number): Promise<boolean> => {
      const isNew = !this.open.has(id);
      const run = this.opened(id, false);
      try {
        return (await run.resume(epoch)) && isNew;
      } catch (fault) {
        // It learned that others had the run, and was given up, when that was over already.
        if (!(fault instanceof LeaseLost && run.isOver) || lease !== this.lease) throw fault;
        return (await this.opened(id, false).resume(epoch)) && isNew;
      }
    };
    const resumed = await Promise.allSettled(runs.map(({ id, epoch }) => resumeOne(id, epoch)));
    return resumed.filter((one) => one.status === 'fulfilled' && one.value).length;
  }

  /**
   * Goes on with runs that this process holds and has not open, and looks again at those that it takes
   * for its own and does not hold.
   *
   * @returns How many of the former there were.
   */
  async compare(lease: ReplicaLease): Promise<number> {
    // Taken down before it is asked: what begins to be ours meanwhile is in no doubt.
    const own = [...this.open.values()].filter(({ isHeld }) => isHeld);
    const held = await this.options.leases.held(lease.owner);
    const listed = new Set(held.map(({ stream }) => stream.slice(STREAM_PREFIX)));
    for (const run of own) if (!listed.has(run.id)) run.doubt();
    return this.resume(held, lease);
  }

  /** Forgets everything: others hold the runs now. */
  abandon(): void {
    this.lease = undefined;
    for (const run of this.open.values()) run.abandon();
    this.open.clear();
    this.space.heed(0);
  }

  /** Begins nothing more, waits a moment for the calls under way, then gives all runs up. */
  async stop(): Promise<void> {
    this.lease = undefined;
    const drained = Promise.all([...this.open.values()].map((run) => run.drain()));
    await Promise.race([drained, this.options.pause(DRAIN_MS)]);
    this.abandon();
  }

  /** What is asked for is there already: whoever asks again is answered, however full it is. */
  private async isThere(id: string): Promise<boolean> {
    if (this.open.has(id)) return true;
    if ((await this.options.store.load(workflowStream(id))).length === 0) return false;
    this.space.assertForOperators(this.open.size);
    return true;
  }

  private opened(id: string, isNew: boolean): OpenRun {
    const open = this.open.get(id);
    if (open) return open;
    if (!this.lease) throw new EngineNotRunning('the engine does not hold any runs now');
    const run = new OpenRun(id, this.lease, this.surroundings, isNew);
    this.open.set(id, run);
    return run;
  }

  private async behaviourOf(name: string, version: string): Promise<Behaviour> {
    const known = await this.options.library.find(name, version);
    if (known instanceof Rejection) throw new DefinitionMissing(known.message);
    return known;
  }

  private forget(run: RunInHand): void {
    if (this.open.get(run.id) !== run) return;
    this.open.delete(run.id);
    this.space.heed(this.open.size);
  }
}
