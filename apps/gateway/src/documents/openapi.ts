import { contracts } from '@downbeat/contracts';
import type { CommandContract, QueryContract } from '@downbeat/contracts';
import { DIFFERENCE_TYPE, differenceAnswer } from '../http/difference-reply';
import { isWatched } from '../views/watched-routes';
import { API_PATH, contractRoutes, takesBody, type ContractRoute } from '../http/route-table';
import { SchemaBook, type JsonSchema } from './json-schema';
import { streamPath, statusPath, healthPaths } from './own-paths';
import { viewEventsSchema, viewStream } from './view-stream';
import { problemResponses, problemSchema } from './problem-responses';
import { pathSampleOf, sampleRest } from './samples';
import { sharedHeaders, sharedParameters } from './shared-parts';

type Json = Readonly<Record<string, unknown>>;

/** The REST edge as OpenAPI 3.1, made from the contracts. */
export function openApi(): Json {
  const book = new SchemaBook('#/components/schemas/');
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of contractRoutes)
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(book, route);
  const status = { get: statusPath };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Downbeat',
      version: '1.0.0',
      summary: 'Coordinates microservices',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...Object.keys(contracts), 'suite'].map((name) => ({ name })),
    paths: {
      ...paths,
      [`${API_PATH}/stream`]: { get: streamPath(book) },
      [`${API_PATH}/status`]: status,
      '/orchestration/status': { get: { ...statusPath, operationId: 'suiteStatus' } },
      ...healthPaths,
    },
    components: {
      schemas: { Problem: problemSchema, ViewEvents: viewEventsSchema, ...book.schemas },
      responses: problemResponses,
      parameters: sharedParameters,
      headers: sharedHeaders,
    },
  };
}

const DESCRIPTION = [
  'A command answers 202 when its events are committed, with their position. A query answers up to',
  'a position (`X-Read-Position`); `?min_position=` waits for one, `?at=` asks how it was. A view that is',
  'asked for with `Accept: text/event-stream` is sent again whenever it is another one.',
  'Unknown fields and parameters are refused. Whatever goes wrong is a problem document (RFC 9457).',
].join(' ');

function operation(book: SchemaBook, route: ContractRoute): Json {
  const { contract, pathFields } = route;
  const input = book.input(contract.kind === 'command' ? contract.data : contract.input);
  const rest = takesBody(route) ? [] : parametersIn('query', input, pathFields);
  return {
    operationId: operationId(contract),
    tags: [contract.context],
    summary: contract.summary,
    parameters: [
      ...pathFields.map((field) => ({
        name: field,
        in: 'path',
        required: true,
        schema: input.properties?.[field] ?? {},
        example: pathSampleOf(route, field),
      })),
      ...rest,
      ...(contract.kind === 'command' ? COMMAND_PARAMETERS : queryParameters(contract)),
      ...(isWatched(route) ? WATCH_PARAMETERS : []),
    ],
    ...(takesBody(route) && { requestBody: requestBody(input, route) }),
    responses:
      contract.kind === 'command'
        ? commandResponses(book, contract)
        : queryResponses(book, contract, isWatched(route)),
  };
}

const operationId = ({ name }: CommandContract | QueryContract): string =>
  name
    .replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
    .replace(/^./, (first) => first.toLowerCase());

const parametersIn = (
  place: string,
  input: JsonSchema,
  without: readonly string[],
): readonly Json[] =>
  Object.entries(input.properties ?? {})
    .filter(([field]) => !without.includes(field))
    .map(([name, schema]) => ({
      name,
      in: place,
      required: (input.required ?? []).includes(name) && schema['default'] === undefined,
      schema,
    }));

/** The body may leave out what the path says, and the correlation id of a run, which is then made. */
function requestBody(input: JsonSchema, route: ContractRoute): Json {
  const optional = [
    ...route.pathFields,
    ...(route.contract.name === 'StartWorkflow' ? ['correlation_id'] : []),
  ];
  const required = (input.required ?? []).filter((field) => !optional.includes(field));
  const { required: _, ...schema } = input;
  const media = {
    schema: required.length === 0 ? schema : { ...schema, required },
    example: sampleRest(route),
  };
  return {
    required: required.length > 0,
    content: {
      'application/json': media,
      ...(route.contract.name === 'RegisterWorkflowDefinition' && {
        'application/yaml': { schema: media.schema },
      }),
    },
  };
}

const reference = (kind: string, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });

const problems = (...names: readonly (keyof typeof problemResponses)[]): Json =>
  Object.fromEntries(names.map((name) => [name.slice(-3), reference('responses', name)]));

function commandResponses(book: SchemaBook, contract: CommandContract): Json {
  const answer = book.output(contract.answer);
  return {
    202: {
      description: 'Accepted: its events are committed.',
      headers: Object.fromEntries(
        ['X-Read-Position', 'X-Correlation-ID', 'Idempotency-Key', 'Location'].map((name) => [
          name,
          reference('headers', name),
        ]),
      ),
      content: {
        'application/json': {
          schema: {
            ...answer,
            properties: { position: POSITION, ...answer.properties },
            required: ['position', ...(answer.required ?? [])],
          },
        },
      },
    },
    ...problems(
      'Problem400',
      'Problem404',
      'Problem409',
      'Problem413',
      'Problem415',
      ...(contract.name === 'StartWorkflow' ? (['Problem429'] as const) : []),
      'Problem503',
      'Problem504',
    ),
    default: reference('responses', 'Problem'),
  };
}

const queryResponses = (book: SchemaBook, contract: QueryContract, isView: boolean): Json => ({
  200: {
    description: 'The answer, true up to `X-Read-Position`.',
    headers: Object.fromEntries(
      ['X-Read-Position', 'X-Correlation-ID', 'ETag'].map((name) => [
        name,
        reference('headers', name),
      ]),
    ),
    content: {
      'application/json': { schema: book.output(contract.answer) },
      ...(contract.presentOnly === undefined && {
        [DIFFERENCE_TYPE]: { schema: book.output(differenceAnswer) },
      }),
      ...(isView && viewStream),
    },
  },
  304: { description: 'The answer is the one of `If-None-Match`.' },
  ...problems('Problem400', 'Problem404', 'Problem503'),
  default: reference('responses', 'Problem'),
});

const POSITION = {
  type: 'integer',
  minimum: 0,
  description: 'Position in the log; pass it as `min_position` to read what was written.',
};

const COMMAND_PARAMETERS = ['IdempotencyKey', 'CorrelationId', 'Traceparent'].map((name) =>
  reference('parameters', name),
);
const queryParameters = ({ presentOnly }: QueryContract): readonly Json[] =>
  [...(presentOnly === undefined ? ['At'] : []), 'MinPosition', 'IfNoneMatch', 'CorrelationId'].map(
    (name) => reference('parameters', name),
  );
const WATCH_PARAMETERS = ['EveryMs', 'LastEventId'].map((name) => reference('parameters', name));
