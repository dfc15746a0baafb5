import type { Appended, EventStore, HeldStream } from '@downbeat/event-store';
import { Fault, Rejection, type StreamName } from '@downbeat/eventsourcing';
import {
  workflowStream,
  type CompensateWorkflow,
  type RetryWorkflow,
  type RunEvent,
  type StartWorkflow,
} from '@downbeat/saga-domain';
import type { DefinitionLibrary, KnownDefinition } from '../definitions/definition-library';
import { OpenRun, type Asked, type RunSurroundings } from './open-run';

const OPEN_MAX = 20_000;
const DRAIN_MS = 2_000;
const STREAM_PREFIX = workflowStream('').length;

/** This process has as many runs open as it may; another one, or this one later, takes the command. */
export class EngineFull extends Fault {
  override readonly name = 'EngineFull';
  readonly code = 'saga/engine-full';
  readonly remedy = 'retry';
}

/** The engine has not begun yet, or is stopping. */
export class EngineNotRunning extends Fault {
  override readonly name = 'EngineNotRunning';
  readonly code = 'saga/engine-not-running';
  readonly remedy = 'retry';
}

export interface EngineOptions extends Omit<RunSurroundings, 'onClosed'> {
  readonly store: EventStore;
  readonly library: DefinitionLibrary;
}

/** All runs this process holds, in memory. The log has everything that is needed to hold them elsewhere. */
export class RunEngine {
  private readonly open = new Map<string, OpenRun>();
  private owner: string | undefined;
  private readonly surroundings: RunSurroundings;

  constructor(private readonly options: EngineOptions) {
    this.surroundings = { ...options, onClosed: (run) => this.closed(run) };
  }

  get openRuns(): number {
    return this.open.size;
  }

  /** From now on runs are held in the name of `owner`. */
  begin(owner: string): void {
    this.owner = owner;
  }

  async start(
    command: StartWorkflow,
    known: KnownDefinition,
    asked: Asked,
  ): Promise<Appended | Rejection> {
    const run =
      this.open.get(command.workflow_id) ?? this.openRun(command.workflow_id, known, 1);
    try {
      return await run.ask(command, asked);
    } finally {
      if (!run.isHeld) this.closed(run);
    }
  }

  /**
   * Puts an operator's command to a run, whatever it is doing.
   *
   * @throws {LeaseLost} Another process holds it.
   */
  async tell(
    command: CompensateWorkflow | RetryWorkflow,
    asked: Asked,
  ): Promise<Appended | Rejection> {
    const { workflow_id } = command.data;
    const run = this.open.get(workflow_id) ?? (await this.find(workflow_id));
    if (!run) return new Rejection('workflow-unknown', 'there is no such workflow', 'not-found');
    try {
      return await run.ask(command, asked);
    } finally {
      if (!run.isHeld) this.closed(run);
    }
  }

  /** Goes on with a run that this process holds from now on. */
  async resume({ stream, epoch }: HeldStream): Promise<void> {
    const known = await this.definitionOf(stream);
    if (!known) return;
    const run = this.openRun(stream.slice(STREAM_PREFIX), known, epoch);
    await run.resume();
  }

  /** Forgets everything: others hold the runs now. */
  abandon(): void {
    for (const run of this.open.values()) run.abandon();
    this.open.clear();
    this.owner = undefined;
  }

  /** Begins nothing more, waits a moment for the calls under way, then gives all runs up. */
  async stop(): Promise<void> {
    this.owner = undefined;
    await Promise.all([...this.open.values()].map((run) => run.drain(DRAIN_MS)));
    this.open.clear();
  }

  private openRun(id: string, known: KnownDefinition, epoch: number): OpenRun {
    if (this.owner === undefined)
      throw new EngineNotRunning('the engine does not hold any runs now');
    if (this.open.size >= OPEN_MAX) throw new EngineFull(`${OPEN_MAX} runs are open already`);
    const run = new OpenRun(id, this.owner, epoch, known, this.surroundings);
    this.open.set(id, run);
    return run;
  }

  /** A run that nobody works on, or somebody else. */
  private async find(id: string): Promise<OpenRun | undefined> {
    const known = await this.definitionOf(workflowStream(id));
    if (!known) return undefined;
    const run = this.openRun(id, known, 1);
    await run.look();
    return run;
  }

  private async definitionOf(stream: StreamName): Promise<KnownDefinition | undefined> {
    const [first] = await this.options.store.load<RunEvent>(stream);
    if (first?.type !== 'WorkflowStarted') return undefined;
    const { workflow_name, workflow_version } = first.data;
    const known = await this.options.library.find(workflow_name, workflow_version);
    if (known instanceof Rejection) throw new RangeError(known.message);
    return known;
  }

  private closed(run: OpenRun): void {
    if (this.open.get(run.id) !== run) return;
    this.open.delete(run.id);
  }
}

