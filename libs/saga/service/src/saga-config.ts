import { z } from 'zod';
import { CRASH_POINTS } from './engine/crash-points';

const POINT = new RegExp(`^(${CRASH_POINTS.join('|').replaceAll('.', '\\.')})(:[1-9]\\d{0,6})?$`);

const SUBJECTS = /^(\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(,[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)*)$/;

export const sagaConfig = z.object({
  SAGA_CALLED_SUBJECTS: z
    .string()
    .regex(SUBJECTS, 'must be beginnings of subjects joined by commas, or *')
    .optional()
    .describe(
      "Below which subjects steps with nats: endpoints may call, joined by commas; * is all but the suite's own. Without it: service in production, * in development",
    ),
  SAGA_RETENTION_PER_SECOND: z.coerce
    .number()
    .min(0.1)
    .max(1_000)
    .default(50)
    .describe('Ended runs that are archived or purged in a second, by one replica for all'),
  SAGA_OPEN_RUNS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe('Runs that one process holds; new ones go to another process then, or are refused'),
  SAGA_WAITING_CALLS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(5_000)
    .describe(
      'Calls of one process that wait for a service before new runs that call it are refused',
    ),
  SAGA_BULK_OPERATIONS_KEPT_DAYS: z.coerce
    .number()
    .min(1)
    .max(3_650)
    .default(90)
    .describe('For so long an operation on many runs is listed after its end'),
  DOWNBEAT_CRASH_AT: z
    .string()
    .regex(POINT, `must be one of ${CRASH_POINTS.join(', ')}, and :<times>`)
    .optional()
    .describe(
      'For drills, in development only: where the process kills itself; call.after-answer:3 is the third time it gets there',
    ),
});
