import { messagingContract, type InputOf } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection, type Instant } from '@downbeat/eventsourcing';
import { unknownDeadLetter } from '@downbeat/messaging-domain';
import {
  Answers,
  ContextPool,
  cursorOf,
  pageOf,
  type Page,
  type Question,
} from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { Quarantine } from './quarantine';
import { shownLetter, type LetterRow, type ShownLetter } from './shown-letter';

const { listDeadLetters, getDeadLetter } = messagingContract;
type ListInput = InputOf<typeof listDeadLetters>;

/** What is shown of a body; an answer has to fit into one message of the bus. */
const BODY_BYTES_MAX = 131_072;
const LISTED_BODY_BYTES_MAX = 16_384;
const PAGE_BYTES_MAX = 400_000;
const GROUPS_MAX = 100;

const FILTER = `($1::text is null or d.status = $1) and ($2::text is null or d.consumer = $2)
  and ($3::text is null or d.cause = $3)`;
const filterOf = ({ status, consumer, cause }: ListInput) => [
  status ?? null,
  consumer ?? null,
  cause ?? null,
];

interface GroupRow {
  readonly cause: string;
  readonly consumer: string;
  readonly reason: string;
  readonly count: number;
  readonly first_at: Date;
  readonly last_at: Date;
  readonly [column: string]: unknown;
}

/** Answers "what was given up on, and why", from the quarantine itself: there is no past to ask. */
@Controller()
export class DeadLettersQueries {
  constructor(
    private readonly pool: ContextPool,
    private readonly quarantine: Quarantine,
    private readonly store: EventStore,
  ) {}

  @Answers(listDeadLetters)
  async list({ input, as }: Question<ListInput>) {
    if (as.at !== undefined) return noPast();
    const after = keyOf(input.cursor);
    if (after instanceof Rejection) return after;
    const position = await this.store.head();
    const page = await this.page(input, after);
    const [count] = await this.rows<{ count: number }>(
      `select count(*)::int as count from ${this.quarantine.table} d where ${FILTER}`,
      filterOf(input),
    );
    return {
      position,
      data: {
        dead_letters: [...page.rows],
        groups: await this.groups(input),
        total_count: count?.count ?? 0,
        next_cursor: page.nextCursor,
      },
    };
  }

  @Answers(getDeadLetter)
  async get({ input: { dead_letter_id: id }, as }: Question<InputOf<typeof getDeadLetter>>) {
    if (as.at !== undefined) return noPast();
    const position = await this.store.head();
    const [row] = await this.rows<LetterRow>(`${this.select(BODY_BYTES_MAX)} where d.id = $1`, [
      id,
    ]);
    return row ? { position, data: shownLetter(row) } : unknownDeadLetter(id);
  }

  /** As many as are asked for and fit. */
  private async page(input: ListInput, after: Key | undefined): Promise<Page<ShownLetter>> {
    const rows = await this.rows<LetterRow>(
      `${this.select(LISTED_BODY_BYTES_MAX)}
        where ${FILTER}
          and ($4::timestamptz is null
               or d.quarantined_at < $4 or (d.quarantined_at = $4 and d.id > $5::uuid))
        order by d.quarantined_at desc, d.id limit $6`,
      [...filterOf(input), after?.at ?? null, after?.id ?? null, input.limit + 1],
    );
    const letters = rows.map(shownLetter);
    let bytes = 0;
    const fitting = letters.findIndex((letter) => {
      bytes += Buffer.byteLength(JSON.stringify(letter));
      return bytes > PAGE_BYTES_MAX;
    });
    const limit = fitting < 0 ? input.limit : Math.max(1, Math.min(fitting, input.limit));
    return pageOf(letters, limit, ({ quarantined_at, id }) => `${quarantined_at} ${id}`);
  }

  private async groups(input: ListInput) {
    const groups = await this.rows<GroupRow>(
      `select g.*, newest.reason
         from (select d.cause, d.consumer, count(*)::int as count,
                      min(d.quarantined_at) as first_at, max(d.quarantined_at) as last_at
                 from ${this.quarantine.table} d where ${FILTER}
                group by d.cause, d.consumer order by count(*) desc, d.cause limit ${GROUPS_MAX}) g
        cross join lateral (
          select n.reason from ${this.quarantine.table} n
           where n.quarantined_at = g.last_at and n.cause = g.cause order by n.id limit 1) newest
        order by g.count desc, g.cause`,
      filterOf(input),
    );
    return groups.map(({ first_at, last_at, cause, consumer, reason, count }) => ({
      cause,
      consumer,
      reason,
      count,
      first_at: first_at.toISOString() as Instant,
      last_at: last_at.toISOString() as Instant,
    }));
  }

  private select(bodyBytesMax: number): string {
    return `select d.id, d.subject, d.consumer, d.message_id, d.reason, d.cause, d.attempts,
                   d.status, d.headers, substring(d.body from 1 for ${bodyBytesMax}) as body,
                   octet_length(d.body) as body_bytes, d.correlation_id, d.quarantined_at,
                   d.changed_at, d.resolution
              from ${this.quarantine.table} d`;
  }

  private async rows<Row>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const { rows } = await this.pool.query<Row & Record<string, unknown>>(text, values);
    return rows;
  }
}

interface Key {
  readonly at: string;
  readonly id: string;
}

const KEY =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

function keyOf(cursor: string | undefined): Key | undefined | Rejection {
  const key = cursorOf(cursor);
  if (key === null) return undefined;
  const [, at, id] = KEY.exec(key) ?? [];
  if (at !== undefined && id !== undefined && !Number.isNaN(Date.parse(at))) return { at, id };
  return invalid('cursor', 'does not belong to this list');
}

const noPast = (): Rejection =>
  invalid('at', 'cannot be asked of dead letters: only how they are now');

const invalid = (field: string, message: string): Rejection =>
  new Rejection('invalid-input', `${field} ${message}`, 'invalid', [{ field, message }]);
