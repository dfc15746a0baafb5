import { sagaContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { instantOf } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import { BUILT_IN_RULES, dueAt, dueRules } from '@downbeat/saga-domain';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { DatabaseClock } from '../../engine/database-clock';
import { countDue, dueRuns, workflowNames, type DueRun } from '../../retention/due-runs';
import { RetentionPolicies } from '../../retention/retention-policies';
import { workflows } from '../workflows/workflows.projection';
import { retention, type RetentionRow } from './retention.projection';

const { listRetentionPolicies, previewRetention, DEFAULT_POLICY } = sagaContract;
type Policy = AnswerOf<typeof listRetentionPolicies>['policies'][number];

/** Answers how long ended runs stay where, and which are due. */
@Controller()
export class RetentionQueries {
  constructor(
    private readonly readModels: ReadModels,
    private readonly policies: RetentionPolicies,
    private readonly clock: DatabaseClock,
  ) {}

  @Answers(listRetentionPolicies)
  async list({ as }: Question<InputOf<typeof listRetentionPolicies>>) {
    return this.readModels.ask(retention, as, async (manager) => {
      const rows = await manager.query<RetentionRow[]>(
        'select * from retention_policy order by workflow_name collate "C"',
      );
      const said = rows.map(({ rules, ...row }): Policy => ({ ...row, ...rules }));
      const isDefault = ({ workflow_name }: Policy) => workflow_name === DEFAULT_POLICY;
      const builtIn: Policy = { workflow_name: DEFAULT_POLICY, ...BUILT_IN_RULES };
      return {
        policies: [said.find(isDefault) ?? builtIn, ...said.filter((one) => !isDefault(one))],
      };
    });
  }

  @Answers(previewRetention)
  async preview({ input, as }: Question<InputOf<typeof previewRetention>>) {
    const { action: act, workflow_name, status, after_days, limit } = input;
    const now = instantOf(this.clock.now());
    const said = await this.policies.said(as);
    const after = dueRunOf(cursorOf(input.cursor));
    return this.readModels.ask(workflows, as, async (manager) => {
      const all = await workflowNames(manager);
      const names = workflow_name === undefined ? all : all.filter((one) => one === workflow_name);
      const rules =
        after_days === undefined ? dueRules(act, names, said) : dueAt(names, after_days);
      const wanted = rules.filter((rule) => status === undefined || rule.status === status);
      const due = { act, rules: wanted, now };
      const runs = await dueRuns(manager, due, { after, limit: limit + 1 });
      const page = pageOf(runs, limit, ({ id, completed_at }) => `${completed_at} ${id}`);
      return {
        count: await countDue(manager, due),
        workflow_ids: page.rows.map(({ id }) => id),
        next_cursor: page.nextCursor,
      };
    });
  }
}

/** A cursor that is none begins at the top. */
function dueRunOf(cursor: string | null): DueRun | undefined {
  const [said = '', id = ''] = (cursor ?? '').split(' ');
  const ms = Date.parse(said);
  if (Number.isNaN(ms)) return undefined;
  // Postgres does not read all that a Date does, so it is given what an instant looks like.
  const completed_at = instantOf(ms);
  return completed_at === said ? { id, completed_at } : undefined;
}
