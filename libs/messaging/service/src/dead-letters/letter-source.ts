import type { InputOf, messagingContract } from '@downbeat/contracts';

type Filter = Omit<InputOf<typeof messagingContract.listDeadLetters>, 'limit' | 'cursor'>;

/** Where letters are listed from: the quarantine as it is, or the read model as it was. */
export interface LetterSource {
  /** In SQL, called `d` in queries. */
  readonly table: string;
  /** The id as text in an order of bytes. */
  readonly id: string;
}

export const quarantineSource = (table: string): LetterSource => ({
  table,
  id: 'd.id::text collate "C"',
});
export const pastSource: LetterSource = { table: 'dead_letter', id: 'd.id collate "C"' };

/** Parameters $1 to $10. */
export const LETTER_FILTER = `($1::text is null or d.status = $1)
  and ($2::text is null or d.consumer = $2)
  and ($3::text is null or d.cause = $3)
  and ($4::text is null or (d.consumer = $4 and d.subject like 'message.%'))
  and ($5::text is null or (d.subject like 'message.%' and split_part(d.subject, '.', 3) = $5))
  and ($6::text is null or d.subject = $6)
  and ($7::text is null or d.correlation_id = $7)
  and ($8::text is null
       or position(lower($8) in lower(d.reason || ' ' || d.subject || ' ' || d.message_id)) > 0)
  and ($9::timestamptz is null or d.quarantined_at >= $9)
  and ($10::timestamptz is null or d.quarantined_at < $10)`;

export const LETTER_FILTERS = 10;

export const filterValues = (filter: Filter): readonly unknown[] => [
  filter.status ?? null,
  filter.consumer ?? null,
  filter.cause ?? null,
  filter.service_name ?? null,
  filter.topic ?? null,
  filter.subject ?? null,
  filter.correlation_id ?? null,
  filter.text ?? null,
  filter.quarantined_from ?? null,
  filter.quarantined_before ?? null,
];
