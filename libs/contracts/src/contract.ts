import type { FieldError, JsonObject } from '@downbeat/eventsourcing';
import { z } from 'zod';

export type ContextName = 'registry' | 'health' | 'saga' | 'messaging' | 'observability' | 'audit';

/** Where the gateway offers it. `{field}` in the path is a field of the input; the rest of the input comes from the query string or the body. */
export interface HttpRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/orchestration`. */
  readonly path: string;
}

/** A request that changes state, published as JSON on `command.<context>.<name>.<id>`. */
export interface CommandContract<
  Data extends z.ZodType<JsonObject> = z.ZodType<JsonObject>,
  Answer extends z.ZodType<JsonObject> = z.ZodType<JsonObject>,
> {
  readonly kind: 'command';
  readonly context: ContextName;
  /** Imperative, Pascal case: `RegisterService`. */
  readonly name: string;
  readonly summary: string;
  readonly data: Data;
  /** What the accepted command answers, beside the position of its events. */
  readonly answer: Answer;
  /** The field whose value is the last part of the subject; taken from there when the body lacks it. */
  readonly idField: string;
  /** Fields whose values make the id when the sender leaves it out: see `derivedId` of the host. */
  readonly idFrom?: readonly string[];
  readonly example: z.input<Data>;
  /** What is wrong with it is answered and not kept: no dead letter, for it may hold what is secret. */
  readonly isConfidential?: boolean;
  /** Commands about the same id may be handled beside each other: what they lead to is the same in any order. */
  readonly isInAnyOrder?: boolean;
  /**
   * Services with an identity of their own on NATS may send it with ids `<service>.<anything>`: what such a service may
   * not say. Others write an id that looks the same as one part of the subject: see `quotedId`.
   */
  misfitsOf?(data: z.output<Data>, service: string): readonly FieldError[];
  /** How many keys of objects and places in lists its body may have together; default 10,000. */
  readonly keysMax?: number;
  readonly http: HttpRoute;
}

/** A question to a context, asked as request/reply on `query.<context>.<name>`. */
export interface QueryContract<
  Input extends z.ZodType<JsonObject> = z.ZodType<JsonObject>,
  Answer extends z.ZodType = z.ZodType,
> {
  readonly kind: 'query';
  readonly context: ContextName;
  /** Kebab-case: `list-services`. */
  readonly name: string;
  readonly summary: string;
  readonly input: Input;
  readonly answer: Answer;
  /**
   * A field whose value may stand behind the subject, as `query.<context>.<name>.<value>`, and must not be
   * another one then: so the server can say who may ask for what.
   */
  readonly askedFor?: string;
  /** Why it cannot be asked about the past, as the end of "at is not possible here: …". Absent: it can. */
  readonly presentOnly?: string;
  /** Absent: asked inside the suite only. */
  readonly http?: HttpRoute;
}

/** A fact a context tells the others, on `event.<context>.<name>.<id>`. Versioned, never the stored event. */
export interface EventContract<Data extends z.ZodType<JsonObject> = z.ZodType<JsonObject>> {
  readonly kind: 'event';
  readonly context: ContextName;
  /** Past tense, Pascal case: `InstanceRegistered`. */
  readonly name: string;
  readonly version: number;
  readonly summary: string;
  readonly data: Data;
  /** The field whose value is the last part of the subject. */
  readonly idField: string;
  readonly example: z.input<Data>;
}

/** What a command's data is, as the code of its context sees it. */
export type DataOf<Contract extends { readonly data: z.ZodType }> = z.output<Contract['data']>;
export type InputOf<Contract extends { readonly input: z.ZodType }> = z.output<Contract['input']>;
export type AnswerOf<Contract extends { readonly answer: z.ZodType }> = z.output<
  Contract['answer']
>;

export const command = <Data extends z.ZodType<JsonObject>, Answer extends z.ZodType<JsonObject>>(
  contract: Omit<CommandContract<Data, Answer>, 'kind'>,
): CommandContract<Data, Answer> => ({ kind: 'command', ...contract });

export const query = <Input extends z.ZodType<JsonObject>, Answer extends z.ZodType>(
  contract: Omit<QueryContract<Input, Answer>, 'kind'>,
): QueryContract<Input, Answer> => ({ kind: 'query', ...contract });

export const event = <Data extends z.ZodType<JsonObject>>(
  contract: Omit<EventContract<Data>, 'kind'>,
): EventContract<Data> => ({ kind: 'event', ...contract });

export const commandSubject = (contract: CommandContract, id: string): string =>
  `command.${contract.context}.${contract.name}.${id}`;

export const querySubject = (contract: QueryContract): string =>
  `query.${contract.context}.${contract.name}`;

/** The same, in the name of whom it is about: see {@link QueryContract.askedFor}. */
export const querySubjectFor = (contract: QueryContract, value: string): string =>
  `${querySubject(contract)}.${value}`;

export const eventSubject = (contract: EventContract, id: string): string =>
  `event.${contract.context}.${contract.name}.${id}`;

/** An integration event ready to be published: its contract's name and version, and the data. */
export interface IntegrationEvent {
  readonly name: string;
  readonly version: number;
  /** Last part of the subject. */
  readonly id: string;
  readonly data: JsonObject;
}

export const integrationEvent = <Data extends z.ZodType<JsonObject>>(
  contract: EventContract<Data>,
  data: z.output<Data>,
): IntegrationEvent => ({
  name: contract.name,
  version: contract.version,
  id: String(data[contract.idField]),
  data,
});
