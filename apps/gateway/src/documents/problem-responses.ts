/** @see RFC 9457 */
export const problemSchema = {
  type: 'object',
  properties: {
    type: { type: 'string', description: '`/problems/<code>`; stable' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string', description: 'The path of the request' },
    code: { type: 'string', description: 'Stable, kebab-case; compare with it' },
    trace_id: { type: 'string', description: 'Finds the request in logs and events' },
    errors: {
      type: 'array',
      description: 'Each place of the request that is wrong',
      items: {
        type: 'object',
        properties: {
          field: {
            type: 'string',
            description:
              'Dot path in the body, a parameter or a header; empty: the body as a whole; `url`, `path`, `headers`, `request`: what could not be read',
          },
          message: { type: 'string' },
        },
        required: ['field', 'message'],
      },
    },
    hint: { type: 'string', description: 'What can be done about it' },
  },
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'trace_id'],
};

const retryAfter = {
  'Retry-After': { description: 'Seconds', schema: { type: 'integer' } },
};

const problem = (description: string, headers?: Readonly<Record<string, unknown>>) => ({
  description,
  ...(headers && { headers }),
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

export const problemResponses = {
  Problem: problem('Any other problem.'),
  Problem400: problem('The request is not valid; `errors` names each field.'),
  Problem404: problem('There is no such thing.'),
  Problem409: problem('The request conflicts with what is.'),
  Problem413: problem('The body is larger than 1 MiB.'),
  Problem415: problem('The body is not of a type this path takes.'),
  Problem429: problem(
    'More runs are started than can be taken on. Nothing was started; runs under way are finished first.',
    retryAfter,
  ),
  Problem503: problem('Not available at the moment.', retryAfter),
  Problem504: problem(
    'No outcome arrived in time. It may still be carried out: repeat with the same `Idempotency-Key`.',
    retryAfter,
  ),
};
