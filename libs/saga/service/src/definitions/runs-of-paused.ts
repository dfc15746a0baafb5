import { EventStore } from '@downbeat/event-store';
import { instantOf, type Position } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { SessionLock } from '@downbeat/publishing';
import { ContextPool, HostSettings, SoleReplica } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { OperateWorkflow } from '../commands/operate-workflow';
import type { Operation } from '../engine/operation';
import { HintedReading, type AsOf } from '../projections/hinted-reading';
import { workflows } from '../projections/workflows/workflows.projection';
import { DEFINITION_CONTROL_HINT } from './paused-definitions';

const READ_EVERY_MS = 2_000;
const RUNS_AT_ONCE = 20;
/** Then others that share the database have their turn. */
const ROUNDS_MAX = 500;
const ACTOR = 'saga-definitions';
/** The run's own clock says when. */
const NOW = instantOf(0);

interface Concerned {
  readonly id: string;
  readonly workflow_name: string;
  readonly is_paused: boolean;
  readonly reason: string | null;
  readonly pause_no: number;
}

/**
 * Has one replica pause the runs of definitions that are paused with their runs, and resume those
 * when the definition is. A run that a replica began before it knew of the pause is found the next
 * time. One that a person has resumed since is left alone: it bears the number of the pause.
 */
@Injectable()
export class RunsOfPaused {
  private readonly logger = new Logger(RunsOfPaused.name);
  private readonly turns: SoleReplica;
  private readonly reading: HintedReading;

  constructor(
    private readonly store: EventStore,
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

  private async sweep(as: AsOf): Promise<void> {
    let min_position = as.min_position;
    const asked = new Set<string>();
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const known = min_position === undefined ? {} : { min_position };
      const found = (await this.concerned(known)).filter(({ id }) => !asked.has(id));
      if (found.length === 0) return;
      const positions = await Promise.all(found.map((run) => this.say(run)));
      for (const { id } of found) asked.add(id);
      min_position = Math.max(min_position ?? 0, ...positions);
    }
  }

  private async concerned(as: AsOf): Promise<readonly Concerned[]> {
    const { data } = await this.readModels.ask(workflows, as, (manager) =>
      manager.query<Concerned[]>(
        `select w.id, w.workflow_name, c.is_paused, c.reason, c.pause_no
         from definition_control c join workflow w on w.workflow_name = c.name
         where (c.is_paused and c.runs = 'pause' and not w.paused
                and w.current_status in ('running', 'compensating')
                and coalesce(w.definition_pause, 0) < c.pause_no)
            or (not c.is_paused and w.paused and w.definition_pause is not null)
         order by w.started_position limit $1`,
        [RUNS_AT_ONCE],
      ),
    );
    return data;
  }

  /** @returns Where it was recorded; 0 when it changed nothing, or is to be said again. */
  private async say(run: Concerned): Promise<Position> {
    const word = wordOf(run);
    const { id, workflow_name, is_paused, pause_no } = run;
    const meta = { correlation_id: workflow_name, causation_id: workflow_name, actor: ACTOR };
    const which = is_paused ? 'pause' : 'resume';
    const commandId = `definition-${which}:${workflow_name}:${pause_no}:${id}`;
    try {
      const outcome = await this.operate.carryOut(word, { meta, commandId });
      // What was refused has ended meanwhile: that is in the log by now.
      return outcome.accepted ? outcome.position : await this.store.head();
    } catch (fault) {
      this.logger.warn(
        { err: fault, workflow_id: id },
        `a run cannot be asked to ${which} for now`,
      );
      return 0;
    }
  }
}

function wordOf({ id: workflow_id, is_paused, reason, pause_no }: Concerned): Operation {
  if (!is_paused)
    return {
      type: 'ResumeWorkflow',
      data: { workflow_id },
      definition_pause: pause_no,
      at: NOW,
    };
  const data = { workflow_id, reason: reason ?? '' };
  return { type: 'PauseWorkflow', data, definition_pause: pause_no, at: NOW };
}
