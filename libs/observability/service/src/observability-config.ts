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
  TRACES_SAMPLED_SHARE: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe(
      'Share of the traces that are kept whatever they say; of the others those with a span that failed or was slow',
    ),
  TRACES_SLOW_MS: z.coerce
    .number()
    .min(0)
    .max(3_600_000)
    .default(1_000)
    .describe('A trace with a span that took as long is kept'),
  TRACES_UNDECIDED_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(60_000)
    .default(10_000)
    .describe('So long spans are held for one of their trace that failed or was slow'),
});
