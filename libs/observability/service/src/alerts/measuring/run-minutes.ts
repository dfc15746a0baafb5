import { sagaContract, type AnswerOf } from '@downbeat/contracts';
import type { MessageBus } from '@downbeat/message-bus';
import { LRUCache } from 'lru-cache';
import { ask } from './asking';

type Run = AnswerOf<typeof sagaContract.listWorkflows>['workflows'][number];
/** The version of a workflow that a run follows. */
export type Followed = Pick<Run, 'workflow_name' | 'workflow_version'>;

const PAGE = 200;
/** Of one workflow; versions behind them are not looked for. */
const PAGES_MAX = 5;
/** At one look: all alerts wait for it. Workflows beyond are asked for at the next one. */
const QUESTIONS_MAX = 100;
/** More than runs that are looked through: what these follow never makes room for one another. */
const VERSIONS_MAX = 4_000;
const DEFAULT_MINUTES = 60;

export interface Allowed {
  /** Infinite where nobody knows: what is not known is not overdue. */
  readonly minutesOf: (run: Followed) => number;
  /** Workflows with runs of whose versions nobody knows it yet. */
  readonly unlearned: ReadonlySet<string>;
}

/** How long runs may last, as the versions they follow say, which never change. */
export class RunMinutes {
  private readonly known = new LRUCache<string, number>({ max: VERSIONS_MAX });

  constructor(private readonly bus: MessageBus) {}

  /** @throws What {@link ask} throws; what was learned before is kept. */
  async allowedTo(runs: readonly Followed[]): Promise<Allowed> {
    const unlearned = new Set<string>();
    let left = QUESTIONS_MAX;
    for (const [name, versions] of this.missing(runs)) {
      const { questions, isAll } = await this.learn(name, versions, Math.min(left, PAGES_MAX));
      left -= questions;
      if (!isAll) unlearned.add(name);
    }
    const otherwise = ({ workflow_name }: Followed): number =>
      unlearned.has(workflow_name) ? Infinity : DEFAULT_MINUTES;
    return { minutesOf: (run) => this.known.get(keyOf(run)) ?? otherwise(run), unlearned };
  }

  private missing(runs: readonly Followed[]): ReadonlyMap<string, Set<string>> {
    const missing = new Map<string, Set<string>>();
    for (const run of runs) {
      // Got, so that it is not among those that make room for what is learned now.
      if (this.known.get(keyOf(run)) !== undefined) continue;
      const versions = missing.get(run.workflow_name) ?? new Set();
      missing.set(run.workflow_name, versions.add(run.workflow_version));
    }
    return missing;
  }

  /** Goes on until these versions are found, or there are no more. */
  private async learn(
    name: string,
    versions: Set<string>,
    questionsMax: number,
  ): Promise<{ readonly questions: number; readonly isAll: boolean }> {
    let cursor: string | undefined;
    for (let questions = 1; questions <= questionsMax; questions++) {
      const asked = { name, limit: PAGE, ...(cursor !== undefined && { cursor }) };
      const page = await ask(this.bus, sagaContract.listDefinitions, asked);
      for (const { version, definition } of page.definitions) {
        if (!versions.delete(version)) continue;
        const minutes = Number(definition['timeout_minutes'] ?? DEFAULT_MINUTES);
        this.known.set(keyOf({ workflow_name: name, workflow_version: version }), minutes);
      }
      cursor = page.next_cursor;
      if (versions.size === 0 || cursor === undefined) return { questions, isAll: true };
    }
    return { questions: questionsMax, isAll: false };
  }
}

const keyOf = ({ workflow_name, workflow_version }: Followed): string =>
  `${workflow_name} ${workflow_version}`;
