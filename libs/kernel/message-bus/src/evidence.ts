import type { JsonObject } from '@downbeat/eventsourcing';

/** A statement to be held against somebody later, outside of what it is about. */
export interface Evidence {
  /** `evidence.<context>.<Name>.<id>` */
  readonly subject: string;
  /** The same within 2 minutes is kept once. */
  readonly messageId: string;
  readonly body: JsonObject;
}

/** Evidence as it was kept. */
export interface KeptEvidence {
  /** Its place on the stream. */
  readonly sequence: number;
  /** By the clock of the server, ISO 8601. */
  readonly keptAt: string;
  /** Parsed JSON of any shape; undefined when the message was none. */
  readonly body: unknown;
}
