import { instantOf, type Position } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { SessionLock } from '@downbeat/publishing';
import { ContextPool, HostSettings, SoleReplica } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { OperateWorkflow } from '../commands/operate-workflow';
import type { Operation } from '../engine/operation';
import { HintedReading, type AsOf } from '../projections/hinted-reading';
import { WITH_DEFINITION_ACTOR, workflows } from '../projections/workflows/workflows.projection';
import { DEFINITION_CONTROL_HINT } from './paused-definitions';

const READ_EVERY_MS = 2_000;
const RUNS_AT_ONCE = 20;
/** Then others that share the database have their turn. */
const ROUNDS_MAX = 500;
/** The run's own clock says when. */
const NOW = instantOf(0);

interface Concerned {
  readonly id: string;
  readonly workflow_name: string;
  readonly started_position: Position;
  readonly listed_position: Position;
  /** What its definition says of runs: null when that is not paused. */
  readonly runs: string | null;
  readonly reason: string | null;
  readonly pause_no: number;
  readonly said_position: Position;
}

/**
 * Has one replica pause the runs of definitions that are paused with their runs, and resume those
 * when the definition is, or is paused without them. A run that a replica began before it knew of the
 * pause is found the next time. One that a person has resumed since, or has paused, is left alone.
 */
@Injectable()
export class RunsOfPaused {
  private readonly logger = new Logger(RunsOfPaused.name);
  private readonly turns: SoleReplica;
  private readonly reading: HintedReading;

  constructor(
    private readonly readModels: ReadModels,
    private readonly operate: OperateWorkflow,
    bus: MessageBus,
    pool: ContextPool,
    { config }: HostSettings,
  ) {
    this.reading = new HintedReading(
      'pausing runs with their definitions',
      READ_EVERY_MS,
      bus,
      DEFINITION_CONTROL_HINT,
      (as) => this.sweep(as),
    );
    this.turns = new SoleReplica(
      new SessionLock(pool.pool, `downbeat paused definitions ${config.LOG_NAME}`),
      {
        begin: () => this.reading.start(),
        end: () => this.reading.stop(),
      },
    );
  }

  start(): void {
    this.turns.start();
  }

  async stop(): Promise<void> {
    await this.turns.stop();
  }

  /** Asks each once, the oldest first: one that cannot be asked keeps nobody behind it waiting. */
  private async sweep(as: AsOf): Promise<void> {
    let last: Position = 0;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const found = await this.concerned(as, last);
      await Promise.all(found.map((run) => this.say(run)));
      if (found.length < RUNS_AT_ONCE) return;
      last = found.at(-1)?.started_position ?? last;
    }
  }

  private async concerned(as: AsOf, after: Position): Promise<readonly Concerned[]> {
    const { data } = await this.readModels.ask(workflows, as, (manager) =>
      manager.query<Concerned[]>(
        `select w.id, w.workflow_name, w.started_position, w.listed_position,
           c.runs, c.reason, c.pause_no, c.said_position
         from definition_control c join workflow w on w.workflow_name = c.name
         where w.started_position > $2 and w.current_status in ('running', 'compensating')
           and ((c.is_paused and c.runs = 'pause' and not w.paused
                 and coalesce(w.resumed_position, 0) < c.said_position)
             or ((not c.is_paused or c.runs = 'leave') and w.paused and w.paused_with_definition))
         order by w.started_position limit $1`,
        [RUNS_AT_ONCE, after],
      ),
    );
    return data;
  }

  private async say(run: Concerned): Promise<void> {
    const word = wordOf(run);
    const { id, workflow_name, said_position, listed_position } = run;
    const meta = {
      correlation_id: workflow_name,
      causation_id: workflow_name,
      actor: WITH_DEFINITION_ACTOR,
    };
    // A run that came back from the archive is asked anew.
    const commandId = `definition:${workflow_name}:${said_position}:${id}:${listed_position}`;
    try {
      await this.operate.carryOut(word, { meta, commandId });
    } catch (fault) {
      this.logger.warn(
        { err: fault, workflow_id: id },
        `a run cannot be asked for now: ${word.type}`,
      );
    }
  }
}

function wordOf({ id: workflow_id, runs, reason, pause_no }: Concerned): Operation {
  const definition_pause = pause_no;
  if (runs !== 'pause')
    return { type: 'ResumeWorkflow', data: { workflow_id }, definition_pause, at: NOW };
  const data = { workflow_id, reason: reason ?? '' };
  return { type: 'PauseWorkflow', data, definition_pause, at: NOW };
}
