import { streamFilter } from '../stream/log-page';
import type { SchemaBook } from './json-schema';

type Json = Readonly<Record<string, unknown>>;

const anyProblem = { $ref: '#/components/responses/Problem' };

/** The stream of events, described beside the contracts. */
export const streamPath = (book: SchemaBook): Json => ({
  operationId: 'streamEvents',
  tags: ['audit'],
  summary: 'The events of the log as they are committed, as server-sent events',
  description:
    'The id of an event is its position, its data a `StoredEvent`. A client that reconnects with `Last-Event-ID` misses nothing; one whose position is ahead of the log (it was another log) gets an event `reset` with `{"asked", "head"}` and goes on from the head. A comment every 15 s keeps the connection open; a client that takes nothing for 10 s is let go.',
  parameters: [
    ...Object.entries(book.input(streamFilter).properties ?? {}).map(([name, schema]) => ({
      name,
      in: 'query',
      description: `Only events with this ${name.replace('_', ' ')}.`,
      schema,
    })),
    {
      name: 'after',
      in: 'query',
      description: 'Begin behind this position; 0 for the beginning of the log. Default: now.',
      schema: { type: 'integer', minimum: 0 },
    },
    {
      name: 'Last-Event-ID',
      in: 'header',
      description: 'Where the client was; wins over `after`.',
      schema: { type: 'integer', minimum: 0 },
    },
  ],
  responses: {
    200: {
      description: 'Events',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    },
    400: { $ref: '#/components/responses/Problem400' },
    503: { $ref: '#/components/responses/Problem503' },
    default: anyProblem,
  },
});

const jsonAnswer = (description: string): Json => ({
  description,
  content: { 'application/json': { schema: { type: 'object' } } },
});

export const statusPath: Json = {
  operationId: 'status',
  tags: ['suite'],
  summary: 'What each context of the suite says of itself',
  responses: {
    200: {
      description: '`degraded` when a context does not answer within a second.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: {
              status: { type: 'string', enum: ['ok', 'degraded'] },
              position: { type: 'integer' },
              contexts: {
                type: 'array',
                items: {
                  type: 'object',
                  properties: {
                    context: { type: 'string' },
                    answers: { type: 'boolean' },
                    position: { type: 'integer' },
                    lag: { type: 'integer' },
                    data: {},
                    reason: { type: 'string' },
                  },
                  required: ['context', 'answers'],
                },
              },
            },
            required: ['status', 'position', 'contexts'],
          },
        },
      },
    },
    default: anyProblem,
  },
};

const health = (operationId: string, summary: string): Json => ({
  get: {
    operationId,
    tags: ['suite'],
    summary,
    responses: { 200: jsonAnswer('Yes.'), 503: jsonAnswer('No.') },
  },
});

export const healthPaths: Json = {
  '/health/live': health('isLive', 'Whether the process runs; depends on nothing else'),
  '/health/ready': health('isReady', 'Whether it can take requests'),
  '/health': health('health', 'Whether it works'),
  '/health/detailed': health('healthDetailed', 'Whether each of its parts works'),
  '/metrics': {
    get: {
      operationId: 'metrics',
      tags: ['suite'],
      summary: 'Metrics for Prometheus',
      responses: {
        200: {
          description: 'Metrics; as OpenMetrics with exemplars when `Accept` asks for it',
          content: {
            'text/plain': { schema: { type: 'string' } },
            'application/openmetrics-text': { schema: { type: 'string' } },
          },
        },
      },
    },
  },
};
