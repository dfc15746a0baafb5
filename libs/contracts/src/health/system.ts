import { z } from 'zod';
import { query } from '../contract';
import * as f from '../fields';

const context = 'health' as const;

export const systemStatus = z
  .enum(['healthy', 'degraded', 'critical'])
  .describe(
    'critical: a service that another one needs critically has no healthy instance. degraded: else, when a service has an unhealthy instance, or none left. healthy: else',
  );

export const componentStatus = z
  .enum(['healthy', 'degraded', 'unhealthy', 'starting', 'unchecked'])
  .describe(
    'What its own checks say. healthy: no instance is unhealthy. degraded: some are. unhealthy: none is healthy, or none is left. starting: none has been found healthy yet. unchecked: it never had an instance',
  );

/**
 * A failure of another service, which this one requires: a restart of this one helps nobody, unless an
 * instance says that it needs one. One that is critical as well passes its failure on whatever the
 * checks of this one say; else this one inherits it when it fails itself, with all of its instances.
 */
export const inheritedFailure = z.object({
  /** Where it began. */
  origin: f.name,
  /** From the service itself to the origin. */
  path: z.array(f.name),
});

const component = z.object({
  status: componentStatus,
  is_critical: z.boolean().describe('Another service needs it and fails with it'),
  healthy_instances: z.number().int(),
  unhealthy_instances: z.number().int(),
  starting_instances: z.number().int(),
  inherited: inheritedFailure.optional(),
  is_scaled_to_zero: z
    .literal(true)
    .optional()
    .describe(
      'It has no instance, and since the last one was registered all said themselves that they leave',
    ),
});

export const systemHealth = query({
  context,
  name: 'system-health',
  summary: 'Whether the system as a whole works, and what is wrong with it',
  input: z.strictObject({ limit: f.pageLimit }),
  answer: z.object({
    status: systemStatus,
    components: z
      .record(f.name, component)
      .describe('By service, the worst first, at most `limit` of them'),
    components_omitted: z.number().int(),
    metrics: z.object({
      total_services: z.number().int(),
      healthy_services: z.number().int(),
      degraded_services: z.number().int(),
      unhealthy_services: z.number().int(),
      starting_services: z.number().int(),
      unchecked_services: z.number().int(),
      /** Services that live on the failure of another one. */
      inherited_failures: z.number().int(),
      total_instances: z.number().int(),
      healthy_instances: z.number().int(),
    }),
  }),
  http: { method: 'GET', path: '/health/system' },
});

export const serviceHealth = query({
  context,
  name: 'service-health',
  summary: 'Whether a service works, and if not, whether the failure is its own',
  input: z.strictObject({ service_name: f.name }),
  answer: component.extend({ service_name: f.name }),
  http: { method: 'GET', path: '/health/services/{service_name}' },
});
