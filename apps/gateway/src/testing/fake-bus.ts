import type { JsonObject } from '@downbeat/eventsourcing';
import type {
  CommandOptions,
  CommandOutcome,
  MessageBus,
  QueryOptions,
  QueryOutcome,
} from '@downbeat/message-bus';

type Hear = (payload: unknown, subject: string) => void;

export interface Sent<Options> {
  readonly subject: string;
  readonly body: JsonObject;
  readonly options: Options | undefined;
}

/** The part of the bus that the edge uses: it remembers what was sent, and answers as a test says. */
export class FakeBus implements Pick<MessageBus, 'command' | 'query' | 'onHint'> {
  readonly commands: Sent<CommandOptions>[] = [];
  readonly queries: Sent<QueryOptions>[] = [];
  private readonly listeners = new Map<string, Set<Hear>>();

  /** What becomes of commands; may throw. */
  onCommand: (sent: Sent<CommandOptions>) => CommandOutcome | Promise<CommandOutcome> = accepting;
  /** What queries are answered; may throw. */
  onQuery: (sent: Sent<QueryOptions>) => QueryOutcome | Promise<QueryOutcome> = answering;

  async command(
    subject: string,
    body: JsonObject,
    options?: CommandOptions,
  ): Promise<CommandOutcome> {
    const sent = { subject, body: overTheWire(body), options };
    this.commands.push(sent);
    return this.onCommand(sent);
  }

  async query(subject: string, body: JsonObject, options?: QueryOptions): Promise<QueryOutcome> {
    const sent = { subject, body: overTheWire(body), options };
    this.queries.push(sent);
    return this.onQuery(sent);
  }

  onHint(subject: string, listener: Hear): () => void {
    const listeners = this.listeners.get(subject) ?? new Set();
    this.listeners.set(subject, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** What was sent, and what the test said about it; not who listens. */
  forget(): void {
    this.commands.splice(0);
    this.queries.splice(0);
    this.onCommand = accepting;
    this.onQuery = answering;
  }

  hint(subject: string, payload: JsonObject): void {
    for (const listener of this.listeners.get(subject) ?? []) listener(payload, subject);
  }

  /** Nothing was sent, neither commands nor queries. */
  get isUntouched(): boolean {
    return this.commands.length === 0 && this.queries.length === 0;
  }
}

const accepting = (): CommandOutcome => ({
  accepted: true,
  position: 42,
  answer: {},
  repeated: false,
});
const answering = (): QueryOutcome => ({ ok: true, position: 42, data: {} });

const overTheWire = (body: JsonObject): JsonObject =>
  JSON.parse(JSON.stringify(body)) as JsonObject;
