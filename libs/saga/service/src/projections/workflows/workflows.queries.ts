import { sagaContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { ReadModels } from '@downbeat/projections';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { latestVersion } from '@downbeat/saga-domain';
import { Controller } from '@nestjs/common';
import { ARCHIVED_RUNS, type ArchivedRow } from './archive.table';
import { TargetWatch } from '../../admission/target-watch';
import { workflows, type WorkflowRow } from './workflows.projection';

const { listWorkflows, listDefinitions } = sagaContract;
type Listed = AnswerOf<typeof listWorkflows>['workflows'][number];
type Definition = AnswerOf<typeof listDefinitions>['definitions'][number];

type Unsaid = 'is_latest' | 'is_paused' | 'paused_because' | 'paused_runs';
type DefinitionRow = Omit<Definition, Unsaid> & {
  readonly is_paused: boolean | null;
  readonly paused_because: string | null;
  readonly paused_runs: Definition['paused_runs'] | null;
  readonly key: string;
  readonly versions: readonly string[];
};

const NO_RUNS = {
  pending: 0,
  running: 0,
  completed: 0,
  failed: 0,
  compensating: 0,
  compensated: 0,
};

/** Answers which runs there are, and of what. */
@Controller()
export class WorkflowsQueries {
  constructor(
    private readonly readModels: ReadModels,
    private readonly watch: TargetWatch,
  ) {}

  @Answers(listWorkflows)
  async list({ input, as }: Question<InputOf<typeof listWorkflows>>) {
    return this.readModels.ask(workflows, as, async (manager) => {
      const rows: ListedRow[] = await manager.query(
        `select * from ${input.archived ? ARCHIVED_RUNS : 'workflow'}
         where ($1::text is null or current_status = $1)
           and ($2::text is null or workflow_name = $2)
           and ($3::text is null or correlation_id = $3)
           and ($4::text is null or wedding_id = $4)
           and ($5::boolean is null or needs_attention = $5)
           and ($6::boolean is null or paused = $6)
           and ($7::bigint is null or started_position < $7)
         order by started_position desc limit $8`,
        [
          input.status ?? null,
          input.workflow_name ?? null,
          input.correlation_id ?? null,
          input.wedding_id ?? null,
          input.needs_attention ?? null,
          input.paused ?? null,
          positionOf(input.cursor),
          input.limit + 1,
        ],
      );
      const counts: { status: keyof typeof NO_RUNS; count: number }[] = await manager.query(
        `select current_status as status, sum(count)::int as count
         from ${input.archived ? 'workflow_archive_count' : 'workflow_count'} group by 1`,
      );
      const page = pageOf(rows, input.limit, (row) => String(row.started_position));
      return {
        workflows: page.rows.map(listed),
        status_summary: {
          ...NO_RUNS,
          ...Object.fromEntries(counts.map(({ status, count }) => [status, count])),
        },
        next_cursor: page.nextCursor,
      };
    });
  }

  @Answers(listDefinitions)
  async definitions({ input, as }: Question<InputOf<typeof listDefinitions>>) {
    const { followedPosition: followed_position } = this.watch;
    return this.readModels.ask(workflows, as, async (manager) => {
      const rows: DefinitionRow[] = await manager.query(
        `select d.*, c.is_paused, c.reason as paused_because, c.runs as paused_runs, array(select other.version from workflow_definition other
                           where other.name = d.name) as versions
         from workflow_definition d left join definition_control c on c.name = d.name
         where ($1::text is null or d.name = $1) and ($2::text is null or key > $2 collate "C")
         order by key collate "C" limit $3`,
        [input.name ?? null, cursorOf(input.cursor), input.limit + 1],
      );
      const page = pageOf(rows, input.limit, (row) => row.key);
      const definitions = page.rows.map(definitionOf);
      return { definitions, followed_position, next_cursor: page.nextCursor };
    });
  }
}

function definitionOf({ versions, ...row }: DefinitionRow): Definition {
  const { name, version, checksum, registered_at, definition } = row;
  return {
    name,
    version,
    checksum,
    is_latest: version === latestVersion(versions),
    registered_at,
    is_paused: row.is_paused ?? false,
    ...(row.paused_because === null ? {} : { paused_because: row.paused_because }),
    ...(row.paused_runs == null ? {} : { paused_runs: row.paused_runs }),
    definition,
  };
}

/** A list of runs goes on below a position; a cursor that is none begins at the top. */
function positionOf(cursor: string | undefined): number | null {
  const position = Number(cursorOf(cursor) ?? Number.NaN);
  return Number.isSafeInteger(position) ? position : null;
}

type ListedRow = WorkflowRow & Partial<Pick<ArchivedRow, 'archived_at'>>;

function listed(row: ListedRow): Listed {
  const share =
    row.total_steps === 0 ? 0 : (100 * Math.max(row.current_step - 1, 0)) / row.total_steps;
  const isCompleted = row.current_status === 'completed';
  return {
    id: row.id,
    workflow_name: row.workflow_name,
    workflow_version: row.workflow_version,
    correlation_id: row.correlation_id,
    ...(row.wedding_id === null ? {} : { wedding_id: row.wedding_id }),
    initiating_service: row.initiating_service,
    current_status: row.current_status as Listed['current_status'],
    current_step: row.current_step,
    total_steps: row.total_steps,
    progress_percentage: isCompleted ? 100 : Math.min(99, Math.floor(share)),
    needs_attention: row.needs_attention,
    paused: row.paused,
    started_at: row.started_at,
    ...(row.completed_at === null
      ? {}
      : {
          completed_at: row.completed_at,
          duration_ms: Date.parse(row.completed_at) - Date.parse(row.started_at),
        }),
    ...(row.archived_at === undefined ? {} : { archived_at: row.archived_at }),
  };
}
