import { messagingContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection, type Position } from '@downbeat/eventsourcing';
import {
  deadLetterStream,
  unknownDeadLetter,
  type DeadLetterEvent,
} from '@downbeat/messaging-domain';
import { ReadModels, type Read } from '@downbeat/projections';
import { Answers, Clock, ContextPool, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { deadLetters, type LetterFactsRow } from '../projections/letters/letters.projection';
import { Chronicle } from './chronicle';
import { countsOf, groupsOf, type Ask } from './letter-groups';
import { historyOf } from './letter-history';
import { fitting, keyOf, LetterRows } from './letter-rows';
import { filterValues, LETTER_FILTER, pastSource, quarantineSource } from './letter-source';
import type { LetterSource } from './letter-source';
import { Quarantine } from './quarantine';
import { shownLetter, type LetterRow } from './shown-letter';

const { listDeadLetters, getDeadLetter } = messagingContract;
type ListInput = InputOf<typeof listDeadLetters>;
type Listed = AnswerOf<typeof listDeadLetters>;

/** Answers "what was given up on, and why": now from the quarantine itself, of a past moment from what was told of it. */
@Controller()
export class DeadLettersQueries {
  private readonly rows: LetterRows;

  constructor(
    private readonly pool: ContextPool,
    private readonly quarantine: Quarantine,
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly chronicle: Chronicle,
    private readonly clock: Clock,
  ) {
    this.rows = new LetterRows(pool, quarantine);
  }

  @Answers(listDeadLetters)
  async list({ input, as }: Question<ListInput>): Promise<Read<Listed> | Rejection> {
    const after = keyOf(input.cursor);
    if (after instanceof Rejection) return after;
    if (as.at !== undefined) {
      const now = typeof as.at === 'string' ? Date.parse(as.at) : undefined;
      return this.readModels.ask(deadLetters, { at: as.at }, (manager) => {
        const ask: Ask = (text, values) => manager.query(text, [...values]);
        return this.listFrom(ask, pastSource, input, now, async (limit) => {
          const rows = await ask<LetterFactsRow>(pageSql(pastSource, 'd.*'), [
            ...filterValues(input),
            after?.at ?? null,
            after?.id ?? null,
            limit,
          ]);
          return this.rows.withTexts(rows);
        });
      });
    }
    const position = await this.store.head();
    const source = quarantineSource(this.quarantine.table);
    const data = await this.listFrom(this.ask, source, input, this.clock.now(), (limit) =>
      this.ask<LetterRow>(pageSql(source, this.rows.listed), [
        ...filterValues(input),
        after?.at ?? null,
        after?.id ?? null,
        limit,
      ]),
    );
    return { position, data };
  }

  @Answers(getDeadLetter)
  async get({ input: { dead_letter_id }, as }: Question<InputOf<typeof getDeadLetter>>) {
    const id = dead_letter_id.toLowerCase();
    if (as.at !== undefined) return this.getPast(id, as.at);
    await this.chronicle.tell(id);
    const position = await this.store.head();
    const row = await this.rows.find(id);
    if (!row) return unknownDeadLetter(id);
    return { position, data: { ...shownLetter(row), history: await this.history(id) } };
  }

  private async getPast(id: string, at: Position | string) {
    const as = { at } as { at: Position };
    const read = await this.readModels.ask(deadLetters, as, async (manager) => {
      const facts: LetterFactsRow[] = await manager.query(
        'select * from dead_letter where id = $1',
        [id],
      );
      return this.rows.withTexts(facts, 'whole');
    });
    const [row] = read.data;
    if (!row) return unknownDeadLetter(id);
    const data = { ...shownLetter(row), history: await this.history(id, read.position) };
    return { position: read.position, data };
  }

  private async history(id: string, until = Infinity) {
    const events = await this.store.load<DeadLetterEvent>(deadLetterStream(id));
    return historyOf(events.filter(({ position }) => position <= until));
  }

  /** @param now Undefined: when the newest of them came. */
  private async listFrom(
    ask: Ask,
    source: LetterSource,
    input: ListInput,
    now: number | undefined,
    page: (limit: number) => Promise<readonly LetterRow[]>,
  ): Promise<Listed> {
    const rows = await page(input.limit + 1);
    const { rows: listed, nextCursor } = fitting(rows.map(shownLetter), input.limit);
    const by_status = await countsOf(ask, source, input);
    const total_count = Object.entries(by_status)
      .filter(([status]) => input.status === undefined || status === input.status)
      .reduce((sum, [, count]) => sum + (count ?? 0), 0);
    const counted = now ?? newestOf([...listed]) ?? this.clock.now();
    return {
      dead_letters: [...listed],
      groups: await groupsOf(ask, source, input, counted),
      by_status,
      total_count,
      next_cursor: nextCursor,
    };
  }

  private readonly ask: Ask = async <Row>(text: string, values: readonly unknown[]) => {
    const { rows } = await this.pool.query<Row & Record<string, unknown>>(text, [...values]);
    return rows;
  };
}

const newestOf = (letters: Listed['dead_letters']): number | undefined =>
  letters[0] && Date.parse(letters[0].quarantined_at);

/** Newest first, and by id where they came at once. */
const pageSql = (source: LetterSource, columns: string): string =>
  `select ${columns} from ${source.table} d
    where ${LETTER_FILTER}
      and ($11::timestamptz is null
           or d.quarantined_at < $11 or (d.quarantined_at = $11 and ${source.id} > $12))
    order by d.quarantined_at desc, ${source.id} limit $13`;
