import {
  commandSubject,
  contracts,
  eventSubject,
  querySubject,
  type CommandContract,
  type EventContract,
  type QueryContract,
} from '@downbeat/contracts';
import type { z } from 'zod';
import { fieldRows } from './field-table';
import { SchemaBook, type JsonSchema } from './json-schema';
import { PARTICIPANTS } from './participants';
import { sampleInput } from './samples';

/** `docs/messages.md`: every message of the suite with what it takes to send or read it. */
export const messagesPage = (): string =>
  [
    INTRODUCTION,
    '## Commands',
    ...Object.values(contracts).flatMap(({ commands }) => commands.map(commandSection)),
    '## Integration events',
    EVENTS_INTRODUCTION,
    ...Object.values(contracts).flatMap(({ events }) => events.map(eventSection)),
    '## Queries',
    QUERIES_INTRODUCTION,
    ...Object.values(contracts).flatMap(({ queries }) => queries.map(querySection)),
    PARTICIPANTS,
    CALLED_SUBJECTS,
    DEAD_LETTERS,
  ].join('\n\n');

const INTRODUCTION = `# Messages

<!-- Made from libs/contracts by apps/gateway/src/documents; do not edit. -->

Everything that changes state can be asked by publishing JSON on \`command.<context>.<Name>.<id>\`, with
plain NATS, from any language, with no header required. The body is the fields of the command, in
UTF-8, at most 1 MiB, 32 levels and 10,000 keys. Fields that are not listed are refused.

- **The id in the subject** is the field named below. The body may leave it out, but not contradict it.
- **Once only.** \`Nats-Msg-Id\`, or \`command_id\` in the body, identifies the command: sent again with the
  same one it is not carried out again, and gets the first outcome with \`"repeated": true\`. It has 1 to 200
  characters, no control characters or line breaks among them; anything else is refused. The same id with
  another body is refused as \`idempotency-key-reused\`; the order of fields and white space do not matter. On
  another subject the same id is another command. Within 0.1 s of the first NATS drops a message by its
  \`Nats-Msg-Id\`, unanswered if subject or body differ, so ask again, or use \`command_id\`.
  \`PublishMessage\` is carried out once for two minutes, by its \`message_id\`, and again after that.
- **The outcome.** A request (a message with a reply subject) gets
  \`{"accepted": true, "position": 42, "answer": {...}, "repeated": false}\` once the events are committed, or
  \`{"accepted": false, "problem": {"code", "message", "kind", "errors": [{"field", "message"}], "hint"}}\`.
  A problem of kind \`unavailable\` may pass: nothing was stored, and \`retry_after_seconds\` says when to
  ask again, with the same id. A command that nobody waits for is not refused so; it stays in its stream.
  A reply that does not come says nothing: send the command again with the same id.
- **Reply subjects** are inboxes: \`_INBOX.<id>\`, which every client makes by itself, or \`_INBOX_<name>.<id>\`.
  Nothing is ever sent to another subject: a command that asks for it becomes a dead letter that names
  the address, and a query that does is not answered.
- **Headers**, all optional: \`Downbeat-Correlation-Id\` (goes with everything the command leads to) and
  \`Downbeat-Actor\` (who asks), of 1 to 200 characters too; \`Downbeat-Reply-To\` (the inbox for the outcome, for
  who publishes without a reply subject); \`traceparent\` (W3C trace context).

Where NATS is: \`npm start\` takes a free port, says it beside \`ready\`, and keeps it as \`nats_url\` in
\`.downbeat/run.json\`; with containers see [deployment](deployment.md). The \`nats\` command line tool reads it
from the environment, as do all examples here:

\`\`\`sh
export NATS_URL=$(node -p "require('./.downbeat/run.json').nats_url")
\`\`\`

Set it where you ask, not where \`npm start\` runs: there it names a server to use instead of an own one.

\`\`\`sh
nats req command.registry.RegisterService.billing '{"service_version": "1.4.0", "service_type": "api", "deployment_environment": "production", "dependencies": []}'
\`\`\`

In Node, with the \`nats\` package:

\`\`\`js
import { connect, JSONCodec, headers } from 'nats';
const connection = await connect({ servers: process.env.NATS_URL });
const json = JSONCodec();
const command = { service_version: '1.4.0', service_type: 'api', deployment_environment: 'production', dependencies: [] };
const id = headers();
id.set('Nats-Msg-Id', 'register-billing-1');
const reply = await connection.request('command.registry.RegisterService.billing', json.encode(command), { headers: id, timeout: 10_000 });
console.log(json.decode(reply.data));
await connection.drain();
\`\`\`

The same messages as AsyncAPI 3 are in [asyncapi.yaml](asyncapi.yaml), the REST edge in [openapi.json](openapi.json).`;

const EVENTS_INTRODUCTION = `What a context tells the others, on \`event.<context>.<Name>.<id>\`; never the stored event. A new version
may add fields; readers ignore what they do not know. Each message carries CloudEvents 1.0 attributes in
its headers (\`ce-id\`, \`ce-source\`, \`ce-type\`, \`ce-time\`).`;

const QUERIES_INTRODUCTION = `Asked by request/reply on \`query.<context>.<name>\` with \`{"input": {...}}\`. Beside \`input\`, \`at\` (a position or
an ISO 8601 time) asks how it was, and \`min_position\` waits, for a bounded time, until the answer holds that
position. The answer is \`{"ok": true, "position": 42, "data": {...}}\`, true up to that position, or
\`{"ok": false, "problem": {...}}\`. Every context also answers \`query.<context>.status\`.`;

const CALLED_SUBJECTS = `Where participants may be: in production below \`service.\`, in development (\`npm start\`) on any subject
but the suite's own (\`command\`, \`event\`, \`query\`, \`retry\`, \`hint\`, \`desk\`, \`evidence\`, \`$…\`) and inboxes, which
are never called. The saga's setting \`SAGA_CALLED_SUBJECTS=service,shop.api\` names other places; NATS must
let its user publish there (\`deploy/nats/nats.conf\`). A definition that calls elsewhere is refused, with the
step; one that was registered before is refused when the step is called.`;

const DEAD_LETTERS = `## Dead letters

A message that will never be handled is kept, not lost. It becomes a dead letter when

- its id cannot be used, or the address for the answer is no inbox: the reason names the header;
- its body is not JSON, is too large, too deep, or holds a key such as \`__proto__\`;
- the schema refuses it: the reason names each field, as in \`invalid-input: service_version must be a semantic version\`;
- it was delivered too often without being settled: then it is set aside *without* being run again, since it may be what ends the process;
- its handler gave up for good.

A command that a rule refuses (a conflict, something unknown) is not a dead letter: the refusal is its outcome.

The letter is committed to the store with headers, body, attempts and reason before the message is
acknowledged. \`GET /api/orchestration/messages/dead-letters\` lists them, grouped by cause: \`body\` is exactly
what came (in base64 where \`body_encoding\` says so), \`body_json\` the same parsed. \`RedriveDeadLetter\` sends one again to the consumer it came from and to no other; the letter stays until the new copy is
accepted. \`EditDeadLetter\` writes what is sent instead, \`DiscardDeadLetter\` closes it with a reason, \`PurgeDeadLetter\` forgets
what it says, and \`StartDeadLetterOperation\` does the same to many. All are events of the log.
`;

/** Where the named schemas of this page would stand. */
const HOME = '#/';

const heading = (name: string, summary: string, subject: string): string =>
  `### ${name}\n\n${summary}.\n\nSubject: \`${subject}\``;

function commandSection(contract: CommandContract): string {
  const { name, summary, idField, data, answer, example } = contract;
  const id = String((example as Readonly<Record<string, unknown>>)[idField]);
  const book = new SchemaBook(HOME);
  return [
    heading(name, summary, commandSubject(contract, `<${idField}>`)),
    table(book.input(data)),
    ...Object.entries(book.schemas).map(([schema, definition]) => variants(schema, definition)),
    `Answer: ${answerFields(book, answer)}. Over HTTP: \`${contract.http.method} /api/orchestration${contract.http.path}\`.`,
    `\`\`\`sh\nnats req ${commandSubject(contract, id)} '${JSON.stringify(example)}'\n\`\`\``,
  ].join('\n\n');
}

function eventSection(contract: EventContract): string {
  return [
    heading(
      contract.name,
      `${contract.summary} (version ${contract.version})`,
      eventSubject(contract, `<${contract.idField}>`),
    ),
    table(new SchemaBook(HOME).output(contract.data)),
    `\`\`\`json\n${JSON.stringify(contract.example, null, 2)}\n\`\`\``,
  ].join('\n\n');
}

function querySection(contract: QueryContract): string {
  const book = new SchemaBook(HOME);
  const input = book.input(contract.input);
  const fields = Object.keys(input.properties ?? {});
  const { http } = contract;
  return [
    heading(`${contract.context}.${contract.name}`, contract.summary, querySubject(contract)),
    fields.length === 0 ? 'No input.' : table(input),
    `Answer: ${answerFields(book, contract.answer)}.${http ? ` Over HTTP: \`${http.method} /api/orchestration${http.path}\`.` : ''}`,
    `\`\`\`sh\nnats req ${querySubject(contract)} '${JSON.stringify({ input: sampleInput(contract) })}'\n\`\`\``,
  ].join('\n\n');
}

/** A schema that has a name stands in the book under it. */
function answerFields(book: SchemaBook, answer: z.ZodType): string {
  const schema = book.output(answer);
  const name = String(schema['$ref'] ?? '').slice(HOME.length);
  const fields = Object.keys((book.schemas[name] ?? schema).properties ?? {});
  return fields.map((field) => `\`${field}\``).join(', ') || 'nothing';
}

/** What a named schema inside a command may be; one table for each kind of it. */
function variants(name: string, definition: JsonSchema): string {
  const kinds = definition['anyOf'];
  if (name === 'Json') return '`Json` is any JSON value.';
  if (!Array.isArray(kinds)) return `\`${name}\`:\n\n${table(definition)}`;
  return kinds
    .map((kind: JsonSchema) => {
      const type = kind.properties?.['type']?.['const'];
      return `\`${name}\` of type \`${String(type)}\`:\n\n${table(kind)}`;
    })
    .join('\n\n');
}

const table = (schema: JsonSchema): string =>
  [
    '| Field | Type | Required | Rules |',
    '| --- | --- | --- | --- |',
    ...fieldRows(schema).map(
      ({ field, type, isRequired, rules }) =>
        `| \`${field}\` | ${type} | ${isRequired ? 'yes' : 'no'} | ${rules} |`,
    ),
  ].join('\n');
