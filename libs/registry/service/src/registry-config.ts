import { z } from 'zod';

/** How instances that have gone, or do not work, are given up. */
export const instanceConfig = z.object({
  REGISTRY_TERMINATING_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(3_600_000)
    .default(30_000)
    .describe('How long an instance that has gone is still listed as terminating'),
  REGISTRY_EXPIRY_SHARE_MAX: z.coerce
    .number()
    .gt(0)
    .max(1)
    .default(0.5)
    .describe('Share of the instances of a service that may be given up in one window for silence'),
  REGISTRY_EXPIRY_WINDOW_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(3_600_000)
    .default(15_000)
    .describe('That window; at most as long as an instance that has gone is listed'),
  REGISTRY_UNUSABLE_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(600_000)
    .describe('How long an instance without heartbeats may fail its checks before it is removed'),
});

/** All of it. Whoever reads it has the keys in memory: what needs none of them reads its part. */
export const registryConfig = instanceConfig.extend({
  DOWNBEAT_CONFIG_KEY: z
    .string()
    .regex(
      /^[A-Za-z0-9+/_-]{43}=?(\s*,\s*[A-Za-z0-9+/_-]{43}=?){0,7}$/,
      'must be keys of 32 bytes in base64, joined by commas',
    )
    .optional()
    .describe(
      'Keys that secrets in configurations are under, 32 bytes in base64 each: the first for new ones, those after it to read older ones',
    ),
});
