import { createHash } from 'node:crypto';
import { messagingContract } from '@downbeat/contracts';
import { ContextPool } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { filterValues, LETTER_FILTER } from '../dead-letters/letter-source';
import { Quarantine } from '../dead-letters/quarantine';

const { OPERATION_LETTERS_MAX } = messagingContract;

/** Which letters an operation is about. */
export interface Selection {
  readonly action: messagingContract.LetterAction;
  readonly filter: messagingContract.LetterFilter;
  readonly include_unresolved?: boolean | undefined;
}

export interface Selected {
  /** As they were given up on: what came first is taken first. One more than the most when there are more. */
  readonly ids: readonly string[];
  /** The same for the same letters in the same order. */
  readonly ticket: string;
}

/** Letters that an action can do anything with. */
const ELIGIBLE: Readonly<Record<messagingContract.LetterAction, string>> = {
  redrive: `d.status = 'quarantined'`,
  discard: `d.status = 'quarantined'`,
  purge: `d.purged_at is null and d.status in ('redriven', 'discarded')`,
};
const ELIGIBLE_UNRESOLVED = `d.purged_at is null and d.status <> 'redriving'`;

/** Finds what fits now. */
@Injectable()
export class LetterSelections {
  constructor(
    private readonly pool: ContextPool,
    private readonly quarantine: Quarantine,
  ) {}

  /** How many, however many that is. */
  async count(selection: Selection): Promise<number> {
    const { text, values } = this.query(selection, 'count(*)::int as count');
    const { rows } = await this.pool.query<{ count: number }>(text, values);
    return rows[0]?.count ?? 0;
  }

  async of(selection: Selection): Promise<Selected> {
    const { text, values } = this.query(selection, 'd.id::text as id');
    const { rows } = await this.pool.query<{ id: string }>(
      `${text} order by d.quarantined_at, d.id limit ${OPERATION_LETTERS_MAX + 1}`,
      values,
    );
    const ids = rows.map(({ id }) => id);
    return { ids, ticket: ticketOf(selection.action, ids) };
  }

  private query({ action, filter, include_unresolved }: Selection, columns: string) {
    const { dead_letter_ids, resolved_before, ...more } = filter;
    const eligible = include_unresolved === true ? ELIGIBLE_UNRESOLVED : ELIGIBLE[action];
    const text = `select ${columns} from ${this.quarantine.table} d
      where ${eligible} and ${LETTER_FILTER}
        and ($11::uuid[] is null or d.id = any($11))
        and ($12::timestamptz is null
             or (d.status in ('redriven', 'discarded') and d.changed_at < $12))`;
    return {
      text,
      values: [...filterValues(more), dead_letter_ids ?? null, resolved_before ?? null],
    };
  }
}

const ticketOf = (action: string, ids: readonly string[]): string =>
  createHash('sha256')
    .update([action, ...ids].join('\n'))
    .digest('hex');
