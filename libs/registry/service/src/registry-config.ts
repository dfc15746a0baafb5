import { z } from 'zod';

export const registryConfig = z.object({
  REGISTRY_TERMINATING_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(3_600_000)
    .default(30_000)
    .describe('How long an instance that has gone is still listed as terminating'),
});
