import { z } from 'zod';

export const auditConfig = z.object({
  AUDIT_HEAD_EVERY_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(3_600_000)
    .default(5_000)
    .describe('How often the head of the hash chain is published, when it has moved'),
});
