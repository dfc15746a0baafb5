import { z } from 'zod';

const SUBJECTS = /^(\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(,[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)*)$/;

export const healthConfig = z.object({
  HEALTH_CHECKED_SUBJECTS: z
    .string()
    .regex(SUBJECTS, 'must be beginnings of subjects joined by commas, or *')
    .optional()
    .describe(
      "Below which subjects instances may be checked over NATS, joined by commas; * is all but the suite's own. Without it: service in production, * in development",
    ),
});
