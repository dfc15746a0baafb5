import type { Message, RecordedEvent } from '@downbeat/eventsourcing';

/** `instant` is `timestamptz` in Postgres and an ISO 8601 string in code; `json` keeps any JSON value. */
export type ColumnType = 'text' | 'bigint' | 'double' | 'boolean' | 'instant' | 'json';

/** A trailing `?` allows null. */
export type Column = ColumnType | `${ColumnType}?`;

/** A row is plain data: null, not undefined, where a nullable column is empty. */
export type Row = Readonly<Record<string, unknown>>;

/** How one event type changes rows of one table. Pure: the same events always give the same rows. */
export interface Change<TableRow extends Row, Event extends Message> {
  /** Keys of the rows that change; none when this event turns out not to concern the table. */
  readonly keys: (event: RecordedEvent<Event>) => readonly string[];
  /** The row after the event: new, changed, or `undefined` when it is gone. */
  readonly fold: (
    row: TableRow | undefined,
    event: RecordedEvent<Event>,
    key: string,
  ) => TableRow | undefined;
}

/** "This event does not concern this table", said aloud, so that a new event type cannot be forgotten. */
export const ignore = 'ignore' as const;

/** What a table counts: rows of another one of its projection that agree in some text columns. */
export interface Counting {
  /** The other table's name; it comes before. */
  readonly of: string;
  readonly by: readonly string[];
}

/** One table of a read model: its columns, and a total map from event types to changes of rows. */
export interface Table<TableRow extends Row = Row, Event extends Message = Message> {
  /** Snake case; queries use this name whatever the projection's version is. */
  readonly name: string;
  /** The text column that identifies a row. */
  readonly key: keyof TableRow & string;
  readonly columns: { readonly [Name in keyof TableRow]-?: Column };
  /** Its rows count those of another table: see {@link countsOf}. No event changes them. */
  readonly counting?: Counting;
  /** Columns of each further index. */
  readonly indexes?: readonly (readonly (keyof TableRow & string)[])[];
  readonly on: {
    readonly [Type in Event['type']]:
      Change<TableRow, Extract<Event, { type: Type }>> | typeof ignore;
  };
}

/**
 * A read model: tables derived from one context's events and from nothing else. It has no
 * migrations, it has a version: raise it, and the projector builds the new tables beside the live
 * ones and swaps them in one transaction.
 */
export interface Projection {
  /** `<context>.<what-it-shows>`, kebab-case: `registry.services`. */
  readonly name: string;
  readonly version: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tables of different rows side by side
  readonly tables: readonly Table<any, any>[];
}
