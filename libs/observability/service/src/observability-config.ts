import { z } from 'zod';

export const observabilityConfig = z.object({
  TRACES_KEPT_DAYS: z.coerce
    .number()
    .min(0.01)
    .max(3_650)
    .default(30)
    .describe('So long after they came spans are shown; they stay in the log'),
  TRACES_KEPT_SPANS: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000_000_000)
    .default(20_000_000)
    .describe('So many spans are shown; the oldest ones are forgotten first'),
});
