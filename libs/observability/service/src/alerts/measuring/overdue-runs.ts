import { sagaContract, type AnswerOf } from '@downbeat/contracts';
import type { Measured } from '@downbeat/observability-domain';
import { MessageBus } from '@downbeat/message-bus';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { ask } from './asking';
import { cutShort, cutShortOf } from './cut-short';
import { RunMinutes } from './run-minutes';

type Run = AnswerOf<typeof sagaContract.listWorkflows>['workflows'][number];
export type RunUnderWay = Pick<
  Run,
  'workflow_name' | 'workflow_version' | 'started_at' | 'paused' | 'needs_attention'
>;

const KEPT_MS = 30_000;
const PAGE = 200;
/** More are not looked through: of the others nothing is known. */
const PAGES_MAX = 5;
const UNDER_WAY = ['running', 'compensating'] as const;

/** Looks for runs that last longer than their definitions allow, now and then. */
@Injectable()
export class OverdueRuns {
  private known: { readonly atMs: number; readonly measured: Measured } | undefined;
  private readonly minutes: RunMinutes;

  constructor(
    private readonly bus: MessageBus,
    private readonly clock: Clock,
  ) {
    this.minutes = new RunMinutes(bus);
  }

  async measure(): Promise<Measured> {
    const nowMs = this.clock.now();
    if (this.known && nowMs - this.known.atMs < KEPT_MS) return this.known.measured;
    const parts = await Promise.all(UNDER_WAY.map((status) => this.runs(status)));
    const runs = parts.flatMap((part) => part.runs);
    const { minutesOf, unlearned } = await this.minutes.allowedTo(runs);
    const isCut = parts.some((part) => part.isCut);
    const overdue = overdueSamples(runs, minutesOf, nowMs);
    const measured = cutShort(cutShortOf(overdue, unlearned), isCut);
    this.known = { atMs: nowMs, measured };
    return measured;
  }

  private async runs(
    status: (typeof UNDER_WAY)[number],
  ): Promise<{ readonly runs: readonly Run[]; readonly isCut: boolean }> {
    const runs: Run[] = [];
    let cursor: string | undefined;
    for (let page = 1; page <= PAGES_MAX; page++) {
      const asked = { status, limit: PAGE, ...(cursor !== undefined && { cursor }) };
      const { workflows, next_cursor } = await ask(this.bus, sagaContract.listWorkflows, asked);
      runs.push(...workflows);
      if (next_cursor === undefined) return { runs, isCut: false };
      cursor = next_cursor;
    }
    return { runs, isCut: true };
  }
}

/** Those that wait for a person are incidents, and those that are paused shall last. */
export function overdueSamples(
  runs: readonly RunUnderWay[],
  minutesOf: (run: RunUnderWay) => number,
  nowMs: number,
): Measured {
  const overdue = new Map<string, number>();
  for (const run of runs) {
    if (run.paused || run.needs_attention) continue;
    if (nowMs - Date.parse(run.started_at) <= minutesOf(run) * 60_000) continue;
    overdue.set(run.workflow_name, (overdue.get(run.workflow_name) ?? 0) + 1);
  }
  return {
    metrics: new Set(['runs_overdue']),
    samples: [...overdue].map(([workflow, value]) => ({
      metric: 'runs_overdue',
      subject: workflow,
      value,
      view: `/workflows?workflow_name=${workflow}`,
    })),
  };
}
