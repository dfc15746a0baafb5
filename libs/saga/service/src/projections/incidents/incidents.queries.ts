import { sagaContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { incidents, type IncidentRow } from './incidents.projection';

const { listIncidents, incidentQuery } = sagaContract;
type Incident = AnswerOf<typeof incidentQuery>['incident'];

/** Answers what waits for a person, and what came of what did. */
@Controller()
export class IncidentsQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(listIncidents)
  async list({ input, as }: Question<InputOf<typeof listIncidents>>) {
    return this.readModels.ask(incidents, as, async (manager) => {
      const rows: IncidentRow[] = await manager.query(
        `select * from incident
         where ($1::text is null or status = $1)
           and ($2::text is null or kind = $2)
           and ($3::text is null or workflow_id = $3)
           and ($4::text is null or workflow_name = $4)
           and ($5::text is null or step_name = $5)
           and ($6::text is null or correlation_id = $6)
           and ($7::bigint is null or opened_position < $7)
         order by opened_position desc limit $8`,
        [
          input.status ?? null,
          input.kind ?? null,
          input.workflow_id ?? null,
          input.workflow_name ?? null,
          input.step_name ?? null,
          input.correlation_id ?? null,
          positionOf(input.cursor),
          input.limit + 1,
        ],
      );
      const counted: { open: number }[] = await manager.query(
        `select count(*)::int as open from incident where status = 'open'`,
      );
      const page = pageOf(rows, input.limit, (row) => String(row.opened_position));
      return {
        incidents: page.rows.map(shown),
        open_count: counted[0]?.open ?? 0,
        next_cursor: page.nextCursor,
      };
    });
  }

  @Answers(incidentQuery)
  async one({ input, as }: Question<InputOf<typeof incidentQuery>>) {
    const read = await this.readModels.ask(incidents, as, async (manager) => {
      const rows: IncidentRow[] = await manager.query('select * from incident where id = $1', [
        input.incident_id,
      ]);
      return rows[0];
    });
    if (!read.data)
      return new Rejection('incident-unknown', 'there is no such incident', 'not-found');
    return { position: read.position, data: { incident: shown(read.data) } };
  }
}

/** A cursor that is none begins at the top. */
function positionOf(cursor: string | undefined): number | null {
  const position = Number(cursorOf(cursor) ?? Number.NaN);
  return Number.isSafeInteger(position) ? position : null;
}

function shown(row: IncidentRow): Incident {
  const { opened_position: _, resolved_at, action, reason, resolved_by, ...known } = row;
  return {
    ...known,
    ...(resolved_at === null ? {} : { resolved_at }),
    ...(action === null ? {} : { action }),
    ...(reason === null ? {} : { reason }),
    ...(resolved_by === null ? {} : { resolved_by }),
  } as Incident;
}
