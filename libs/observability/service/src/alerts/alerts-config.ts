import { z } from 'zod';

const names = (text: string): readonly string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);

export const alertsConfig = z.object({
  ALERTS_EVERY_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(60_000)
    .default(5_000)
    .describe('How often rules of alerts are evaluated'),
  ALERTS_PROCESSES: z
    .string()
    .max(1_000)
    .default('registry,health,saga,orchestrator,gateway')
    .transform(names)
    .describe('Processes that are to be heard of, joined by commas; empty: those that once were'),
  ALERTS_LINK_BASE: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('What links in webhooks begin with: where people reach the gateway'),
});
export type AlertsConfig = z.output<typeof alertsConfig>;
