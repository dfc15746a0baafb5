import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import { ALERT_EXAMPLE_ID, alertSeverity } from './alert-fields';

const context = 'observability' as const;
const SILENCE_MINUTES_MAX = 30 * 24 * 60;

const matchers = {
  rule_id: f.name.optional(),
  service_name: f.line(200).optional(),
  subject: f.line(300).optional(),
  severity: alertSeverity.optional(),
};

const answer = z.object({ silence_id: z.uuid(), ends_at: f.instant });

export const startSilence = command({
  context,
  name: 'StartSilence',
  summary: 'Let no alert fire that fits all that is said, for a time; started again, it lasts anew',
  idField: 'silence_id',
  idFrom: ['rule_id', 'service_name', 'subject', 'severity'],
  data: z
    .strictObject({
      silence_id: z.uuid().optional(),
      ...matchers,
      minutes: z.number().min(1).max(SILENCE_MINUTES_MAX).describe('At most 30 days'),
      reason: f.line(500),
    })
    .refine(
      ({ rule_id, service_name, subject, severity }) =>
        [rule_id, service_name, subject, severity].some((one) => one !== undefined),
      { path: ['rule_id'], message: 'or service_name, subject or severity must be said' },
    ),
  answer,
  example: { service_name: 'billing', minutes: 60, reason: 'billing is being moved' },
  http: { method: 'POST', path: '/alert-silences' },
});

export const endSilence = command({
  context,
  name: 'EndSilence',
  summary: 'End a silence before its time; what holds by then fires',
  idField: 'silence_id',
  data: z.strictObject({ silence_id: z.uuid(), reason: f.line(500).optional() }),
  answer: z.object({ silence_id: z.uuid() }),
  example: { silence_id: ALERT_EXAMPLE_ID },
  http: { method: 'DELETE', path: '/alert-silences/{silence_id}' },
});

export const listSilences = query({
  context,
  name: 'list-silences',
  summary: 'Silences, those that end last first',
  input: z.strictObject({ limit: f.pageLimit, cursor: f.cursor }),
  answer: z.object({
    silences: z.array(
      z.object({
        silence_id: z.uuid(),
        ...matchers,
        reason: z.string(),
        started_at: f.instant,
        started_by: z.string(),
        ends_at: f.instant,
        is_ended: z.boolean().describe('Somebody ended it, at `ends_at`'),
      }),
    ),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/alert-silences' },
});

export const silenceCommands = [startSilence, endSilence] as const;
export const silenceQueries = [listSilences] as const;
