import {
  contracts,
  commandSubject,
  eventSubject,
  querySubject,
  type CommandContract,
  type EventContract,
  type QueryContract,
} from '@downbeat/contracts';
import { stringify } from 'yaml';
import { SchemaBook } from './json-schema';

type Json = Readonly<Record<string, unknown>>;

interface Parts {
  readonly channels: Record<string, Json>;
  readonly operations: Record<string, Json>;
}

/** What the suite says and understands on NATS as AsyncAPI 3, made from the contracts. */
export function asyncApi(): string {
  const book = new SchemaBook('#/components/schemas/');
  const parts: Parts = { channels: {}, operations: {} };
  for (const { commands, queries, events } of Object.values(contracts)) {
    for (const contract of commands) addCommand(book, parts, contract);
    for (const contract of queries) addQuery(book, parts, contract);
    for (const contract of events) addEvent(book, parts, contract);
  }
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Downbeat',
      version: '1.0.0',
      description: 'Commands, integration events and queries of the suite on NATS.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: { nats: { host: 'localhost:4222', protocol: 'nats' } },
    channels: { ...parts.channels, Outcome: REPLY_CHANNEL },
    operations: parts.operations,
    components: { schemas: { ...book.schemas, Problem: PROBLEM } },
  };
  return stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 });
}

function addCommand(book: SchemaBook, parts: Parts, contract: CommandContract): void {
  const { name, context, summary } = contract;
  parts.channels[name] = channel(
    commandSubject(contract, `{${contract.idField}}`),
    contract.idField,
    {
      [name]: {
        summary,
        headers: COMMAND_HEADERS,
        payload: book.input(contract.data),
        examples: [{ payload: contract.example }],
      },
    },
  );
  parts.operations[`${context}.${name}`] = operation('receive', name, summary, true);
}

function addQuery(book: SchemaBook, parts: Parts, contract: QueryContract): void {
  const name = `${contract.context}.${contract.name}`;
  parts.channels[name] = channel(querySubject(contract), undefined, {
    question: {
      summary: contract.summary,
      payload: {
        type: 'object',
        properties: { input: book.input(contract.input), ...READ_AS },
        required: ['input'],
      },
    },
    answer: {
      payload: {
        type: 'object',
        properties: {
          ok: { const: true },
          position: { type: 'integer' },
          data: book.output(contract.answer),
        },
        required: ['ok', 'position', 'data'],
      },
    },
    refusal: {
      payload: {
        type: 'object',
        properties: { ok: { const: false }, problem: { $ref: '#/components/schemas/Problem' } },
        required: ['ok', 'problem'],
      },
    },
  });
  parts.operations[name] = {
    action: 'receive',
    channel: { $ref: `#/channels/${name}` },
    summary: contract.summary,
    messages: [{ $ref: `#/channels/${name}/messages/question` }],
    reply: {
      channel: { $ref: `#/channels/${name}` },
      messages: ['answer', 'refusal'].map((message) => ({
        $ref: `#/channels/${name}/messages/${message}`,
      })),
    },
  };
}

function addEvent(book: SchemaBook, parts: Parts, contract: EventContract): void {
  const { name, context, summary } = contract;
  parts.channels[name] = channel(
    eventSubject(contract, `{${contract.idField}}`),
    contract.idField,
    {
      [name]: {
        summary: `${summary} (version ${contract.version})`,
        payload: book.output(contract.data),
        examples: [{ payload: contract.example }],
      },
    },
  );
  parts.operations[`${context}.${name}`] = operation('send', name, summary, false);
}

const channel = (address: string, parameter: string | undefined, messages: Json): Json => ({
  address,
  ...(parameter !== undefined && {
    parameters: { [parameter]: { description: `The message's \`${parameter}\`` } },
  }),
  messages,
});

const operation = (action: string, name: string, summary: string, hasOutcome: boolean): Json => ({
  action,
  channel: { $ref: `#/channels/${name}` },
  summary,
  ...(hasOutcome && { reply: { channel: { $ref: '#/channels/Outcome' } } }),
});

/** All of them optional. */
export const COMMAND_HEADERS = {
  type: 'object',
  properties: {
    'Nats-Msg-Id': {
      type: 'string',
      description: 'The id of the command; sent again with it, the command gets its first outcome.',
    },
    'Downbeat-Correlation-Id': {
      type: 'string',
      description: 'Goes with everything the command leads to.',
    },
    'Downbeat-Actor': { type: 'string', description: 'Who asks; recorded with the events.' },
    'Downbeat-Reply-To': {
      type: 'string',
      description: 'Where the outcome goes, when the reply subject is taken by JetStream.',
    },
    traceparent: { type: 'string', description: 'W3C trace context.' },
  },
};

const READ_AS = {
  at: {
    description: 'How it was: after this position, or at this time',
    oneOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', format: 'date-time' },
    ],
  },
  min_position: {
    type: 'integer',
    minimum: 0,
    description: 'Wait, for a bounded time, until the answer holds this position',
  },
};

const PROBLEM = {
  type: 'object',
  properties: {
    code: { type: 'string' },
    message: { type: 'string' },
    kind: { enum: ['not-found', 'gone', 'conflict', 'invalid', 'unavailable', 'internal'] },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { field: { type: 'string' }, message: { type: 'string' } },
        required: ['field', 'message'],
      },
    },
    hint: { type: 'string' },
  },
  required: ['code', 'message', 'kind'],
};

const REPLY_CHANNEL = {
  address: null,
  messages: {
    accepted: {
      summary: 'Its events are committed',
      payload: {
        type: 'object',
        properties: {
          accepted: { const: true },
          position: { type: 'integer' },
          answer: { type: 'object' },
          repeated: { type: 'boolean', description: 'This is the outcome of the first time' },
        },
        required: ['accepted', 'position', 'answer', 'repeated'],
      },
    },
    refused: {
      payload: {
        type: 'object',
        properties: {
          accepted: { const: false },
          problem: { $ref: '#/components/schemas/Problem' },
        },
        required: ['accepted', 'problem'],
      },
    },
  },
};
