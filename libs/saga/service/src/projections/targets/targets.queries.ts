import { sagaContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { ReadModels } from '@downbeat/projections';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { TargetWatch } from '../../admission/target-watch';
import { targets, type TargetRow } from './targets.projection';

const { listTargets } = sagaContract;
type Target = AnswerOf<typeof listTargets>['targets'][number];
type Live = ReturnType<TargetWatch['views']>[number];

const WAITS_SHOWN_MAX = 100;
const WORST = ['open', 'half-open', 'closed'] as const;

/** Answers what operators allow each target, and what waits in front of it now. */
@Controller()
export class TargetsQueries {
  constructor(
    private readonly readModels: ReadModels,
    private readonly watch: TargetWatch,
  ) {}

  @Answers(listTargets)
  async list({ input, as }: Question<InputOf<typeof listTargets>>) {
    // What waits is known of the present only: the past has what was said.
    const views = as.at === undefined ? this.watch.views() : [];
    const { replicas, followedPosition: followed_position } = this.watch;
    return this.readModels.ask(targets, as, async (manager) => {
      const rows = await manager.query<TargetRow[]>('select * from target');
      const said = new Map(rows.map((row) => [row.service_name, row]));
      const names = new Set([...said.keys(), ...views.map(({ service_name }) => service_name)]);
      return {
        targets: [...names]
          .filter((name) => input.service_name === undefined || input.service_name === name)
          .toSorted()
          .map((name) => targetOf(name, said.get(name), views)),
        replicas,
        followed_position,
      };
    });
  }
}

function targetOf(name: string, said: TargetRow | undefined, views: readonly Live[]): Target {
  const live = views.filter(({ service_name }) => service_name === name);
  const waits = live
    .flatMap((view) => view.waits)
    .toSorted((one, other) => other.waiting_ms - one.waiting_ms);
  return {
    service_name: name,
    is_paused: said?.is_paused ?? false,
    ...(said?.paused_because == null ? {} : { paused_because: said.paused_because }),
    limits: said?.limits ?? {},
    breaker: WORST.find((state) => live.some(({ breaker }) => breaker === state)) ?? 'closed',
    under_way: live.reduce((sum, { under_way }) => sum + under_way, 0),
    waiting: live.reduce((sum, { waiting }) => sum + waiting, 0),
    oldest_wait_ms: waits[0]?.waiting_ms ?? 0,
    waits: waits.slice(0, WAITS_SHOWN_MAX),
  };
}
