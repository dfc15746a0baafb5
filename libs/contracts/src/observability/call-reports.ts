import { z } from 'zod';
import { command } from '../contract';
import * as f from '../fields';
import { quotedId } from '../subject-ids';
import { DURATION_BUCKET_MAX } from './duration-buckets';

const context = 'observability' as const;

/** What had no room of its own is counted under this name, which nothing else can have. */
export const OTHER = '(other)';
/** Of one report. */
export const CALL_FIGURES_MAX = 500;
export const ENDPOINT_LENGTH_MAX = 256;

const count = z.number().int().min(0).max(1_000_000_000);

const other = z.literal(OTHER);
export const callProtocol = z.enum(['http', 'nats', 'grpc', 'other']);

/** Durations by size; the name of each is the number of its bucket. */
const durations = z
  .record(z.string().regex(/^(0|[1-9]\d{0,2})$/, 'must be the number of a bucket'), count)
  .refine(
    (all) => Object.keys(all).every((bucket) => Number(bucket) <= DURATION_BUCKET_MAX),
    `must not have buckets above ${DURATION_BUCKET_MAX}`,
  );

/** How the calls of one minute to one endpoint ended, as their caller saw them. */
export const callFigures = z
  .strictObject({
    source_service: f.name.describe('Who called'),
    target_service: f.name.or(other),
    protocol: callProtocol,
    method: z
      .string()
      .regex(/^([A-Z]{1,16}|\*)$/, 'must be 1 to 16 capital letters, or * for any')
      .describe('Of NATS: `REQUEST`'),
    endpoint: f
      .line(ENDPOINT_LENGTH_MAX)
      .regex(/^\S+$/, 'must not hold spaces')
      .describe('As a template, such as `/invoices/{id}`: it must not hold ids'),
    minute: f.instant.describe('When the minute began in which they ended'),
    ok: count.describe('Answered with a status below 400'),
    client_errors: count.describe(
      'Answered with 400 to 499: the caller asked for what it could not have',
    ),
    server_errors: count.describe('Answered with 500 and above'),
    unanswered: count.describe('Sent, or tried to, and not answered in time'),
    duration_us: z.number().int().min(0).describe('Of all of them together'),
    durations: durations.describe(
      'How many took how long: bucket n holds those of at least 2^(n/4) µs and less than 2^((n+1)/4) µs, as in `{"48":3}`',
    ),
  })
  .superRefine((one, issues) => {
    const calls = one.ok + one.client_errors + one.server_errors + one.unanswered;
    const timed = Object.values(one.durations).reduce((sum, some) => sum + some, 0);
    if (calls === 0)
      issues.addIssue({ code: 'custom', path: ['ok'], message: 'must count a call' });
    if (timed !== calls)
      issues.addIssue({
        code: 'custom',
        path: ['durations'],
        message: `must hold as many calls as ended: ${calls}, not ${timed}`,
      });
  });

export const recordCalls = command({
  context,
  name: 'RecordCalls',
  summary:
    'Tell how the calls of a stretch of time ended, counted by minute and endpoint; the same report again changes nothing',
  idField: 'report_id',
  data: z.strictObject({
    report_id: f.externalId.describe('The same for every repetition: a report counts once'),
    calls: z.array(callFigures).max(CALL_FIGURES_MAX),
    lost_calls: count
      .optional()
      .describe(
        'Calls of which nothing else is known: they could not be kept until somebody heard',
      ),
  }),
  misfitsOf: ({ report_id, calls }, service) =>
    calls.flatMap(({ source_service }, index) =>
      source_service === service
        ? []
        : {
            field: `calls.${index}.source_service`,
            message: `must be ${service}, as in the subject; an id that names no service is one part there: ${quotedId(report_id)}`,
          },
    ),
  answer: z.object({ report_id: f.externalId, call_count: z.number().int() }),
  example: {
    report_id: 'shop-1-17',
    calls: [
      {
        source_service: 'shop',
        target_service: 'billing',
        protocol: 'http',
        method: 'POST',
        endpoint: '/invoices/{id}',
        minute: '2026-03-01T09:30:00.000Z',
        ok: 3,
        client_errors: 0,
        server_errors: 1,
        unanswered: 0,
        duration_us: 17_200,
        durations: { '47': 3, '52': 1 },
      },
    ],
  },
  // Five hundred endpoints with all their buckets; 1 MiB bounds them anyway.
  keysMax: 100_000,
  http: { method: 'POST', path: '/observability/calls/reports/{report_id}' },
});
