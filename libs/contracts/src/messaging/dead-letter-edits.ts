import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import { deadLetter, deadLetterId } from './dead-letters';

const context = 'messaging' as const;

/** Of a body that an operator writes; what came may be larger. */
export const WRITTEN_LENGTH_MAX = 524_288;

/** What is to be sent instead of what came; what is left out stays as the newest revision has it. */
const written = {
  subject: f.line(500).optional().describe('Default: where it was sent first'),
  headers: z
    .record(z.string().max(128), z.string().max(1_024))
    .optional()
    .describe('Instead of all that are not the suite’s own or the server’s; 64 at most'),
  body: z.string().max(WRITTEN_LENGTH_MAX).optional().describe('As text'),
  body_json: f.json.optional().describe('The same, as JSON; one of the two'),
};

const fault = z.object({ field: z.string(), message: z.string() });

/** How a text stands to what its subject is meant for. */
const checked = {
  schema: z
    .string()
    .describe('The command whose contract the body was held against; unknown where there is none'),
  faults: z.array(fault).describe('Where it breaks that; the first 20'),
};

const changes = z.object({
  added: z.array(z.string()),
  removed: z.array(z.string()),
  changed: z.array(z.string()),
  is_cut: z.boolean().describe('There are more than these 200'),
});
/** JSON pointers (RFC 6901) below `/subject`, `/headers` and `/body`. */
const diff = changes.describe(
  'What differs from the original, as JSON pointers below /subject, /headers and /body',
);

export const editDeadLetter = command({
  context,
  name: 'EditDeadLetter',
  summary: 'Write what is to be sent instead of what came, which is kept',
  idField: 'dead_letter_id',
  data: z.strictObject({
    dead_letter_id: deadLetterId,
    expected_revision: z.number().int().min(1).describe('The newest one that you saw'),
    ...written,
    reason: f.line(500),
    force: z.boolean().optional().describe('Also what breaks the schema of its subject'),
  }),
  answer: z.object({
    dead_letter_id: deadLetterId,
    revision: z.number().int(),
    subject: z.string(),
    ...checked,
    diff,
  }),
  example: {
    dead_letter_id: '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11',
    expected_revision: 1,
    body_json: {
      service_version: '1.4.0',
      service_type: 'api',
      deployment_environment: 'staging',
      dependencies: [],
    },
    reason: 'the version was missing',
  },
  http: { method: 'POST', path: '/messages/dead-letters/{dead_letter_id}/edit' },
});

const shown = deadLetter.pick({
  subject: true,
  headers: true,
  body: true,
  body_encoding: true,
  body_bytes: true,
  is_body_cut: true,
  body_json: true,
});

export const getDeadLetterRevision = query({
  context,
  name: 'get-dead-letter-revision',
  summary: 'What came, or what was written instead, and how the two differ',
  input: z.strictObject({
    dead_letter_id: deadLetterId,
    revision: z.coerce.number().int().min(1).max(1_000),
  }),
  answer: shown.extend({
    dead_letter_id: deadLetterId,
    revision: z.number().int(),
    ...checked,
    diff,
  }),
  http: { method: 'GET', path: '/messages/dead-letters/{dead_letter_id}/revisions/{revision}' },
});

export const dryRunDeadLetter = query({
  context,
  name: 'dry-run-dead-letter',
  summary: 'What would be sent where if a dead letter were redriven now; sends and changes nothing',
  input: z.strictObject({
    dead_letter_id: deadLetterId,
    ...written,
  }),
  answer: z.object({
    dead_letter_id: deadLetterId,
    would_send: z.boolean(),
    refusal: z
      .object({ code: z.string(), message: z.string() })
      .optional()
      .describe('Why it would not be sent'),
    subject: z.string(),
    sent_to: z.string().describe('The subject that the consumer alone reads'),
    message_id: z.string(),
    body_bytes: z.number().int(),
    revision: z.number().int().describe('What it is made of, unless a text is given here'),
    consumer: z.string(),
    is_consumer_known: z.boolean().describe('False: nobody would read it'),
    ...checked,
    diff,
  }),
  http: { method: 'POST', path: '/messages/dead-letters/{dead_letter_id}/dry-run' },
});
