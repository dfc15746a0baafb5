import { z } from 'zod';
import { command } from '../contract';
import * as f from '../fields';
import { jsonBytes } from '../payload';
import { secretErrors } from './secrets';

const context = 'registry' as const;

/** Where a configuration holds. `base` holds nowhere by itself: the others are built on it. */
export const configurationEnvironment = z.enum(['base', 'development', 'staging', 'production']);
export const runningEnvironment = z.enum(['development', 'staging', 'production']);
export type RunningEnvironment = z.output<typeof runningEnvironment>;

export const CONFIGURATION_BYTES_MAX = 65_536;

/** A number, a semantic version, a date: whatever its author counts by. */
export const configVersion = z
  .string()
  .max(64)
  .regex(
    /^[0-9A-Za-z]+([._+-][0-9A-Za-z]+)*$/,
    'must be letters and digits, joined by any of . _ + -',
  );

/** Any JSON object; in place of a value it may say that this is secret. */
export const configurationDocument = f.jsonObject
  .refine(
    (value) => jsonBytes(value) <= CONFIGURATION_BYTES_MAX,
    `must not be larger than ${CONFIGURATION_BYTES_MAX} bytes as JSON`,
  )
  .superRefine((value, refinement) => {
    for (const { path, message } of secretErrors(value))
      refinement.addIssue({ code: 'custom', path: [...path], message });
  });

/** What has to hold for a while after an activation, or it is taken back. Absent: nothing is watched. */
export const healthGate = z.strictObject({
  /** For so long; what instances and the registry could not say to one another does not count. */
  observe_seconds: z.number().int().min(1).max(3_600),
  /** Of the instances that were not unhealthy before, at any moment. Default 0. */
  unhealthy_max_percent: z.number().min(0).max(100).optional(),
  /** Instances that may refuse it. Default 0. */
  refused_max: z.number().int().min(0).max(10_000).optional(),
  /** Of the instances, at the end, that must have said that they applied it. Default 0. */
  applied_min_percent: z.number().min(0).max(100).optional(),
});
export type SaidHealthGate = z.output<typeof healthGate>;

const versionNamed = {
  service_id: f.name,
  environment: runningEnvironment,
  config_version: configVersion,
};
const reason = f.line(500);

export const createConfiguration = command({
  context,
  name: 'CreateConfiguration',
  isConfidential: true,
  summary: 'Add a version of a configuration: the base, or what an environment has differently',
  idField: 'service_id',
  data: z.strictObject({
    service_id: f.name,
    environment: configurationEnvironment,
    /** Absent: counted, from 1. */
    config_version: configVersion.optional(),
    /** Of an environment: a JSON merge patch (RFC 7396) upon the base. */
    configuration: configurationDocument,
    /** Which base it is built on. Absent: the newest one, if there is any. */
    base_version: configVersion.optional(),
    description: f.line(1_000).optional(),
    /** Absent: whoever sends the command. */
    created_by: f.line(200).optional(),
  }),
  answer: z.object({
    service_id: f.name,
    environment: configurationEnvironment,
    config_version: configVersion,
    checksum: z.string(),
  }),
  example: {
    service_id: 'billing',
    environment: 'production',
    config_version: '7',
    configuration: {
      database: { pool_size: 20, password: { $secret: { ref: 'env:CONFIG_DB_PASSWORD' } } },
      features: { refunds: true },
    },
    description: 'a larger pool',
    created_by: 'kim',
  },
  http: { method: 'POST', path: '/services/{service_id}/configurations' },
});

const activated = z.object({
  ...versionNamed,
  checksum: z.string(),
  activation: z.number().int().describe('Counts the activations of this service and environment'),
  status: z.enum(['active', 'observing']),
});

export const activateConfiguration = command({
  context,
  name: 'ActivateConfiguration',
  summary:
    'Put a version of a configuration in force; with a gate it is taken back if it does harm',
  idField: 'service_id',
  data: z.strictObject({
    ...versionNamed,
    gate: healthGate.optional(),
    reason: reason.optional(),
  }),
  answer: activated,
  example: {
    service_id: 'billing',
    environment: 'production',
    config_version: '7',
    gate: { observe_seconds: 60, unhealthy_max_percent: 20 },
  },
  http: {
    method: 'POST',
    path: '/services/{service_id}/configurations/{environment}/versions/{config_version}/activate',
  },
});

export const rollbackConfiguration = command({
  context,
  name: 'RollbackConfiguration',
  summary: 'Put an earlier version in force again; a new activation, with a reason',
  idField: 'service_id',
  data: z.strictObject({
    service_id: f.name,
    environment: runningEnvironment,
    /** Absent: the version that proved itself last, before the one in force. */
    config_version: configVersion.optional(),
    gate: healthGate.optional(),
    reason,
  }),
  answer: activated,
  example: { service_id: 'billing', environment: 'production', reason: 'refunds are slow' },
  http: {
    method: 'POST',
    path: '/services/{service_id}/configurations/{environment}/rollback',
  },
});

/**
 * `released`: it runs nothing of the registry's any more, but what it has by itself, since nothing is in
 * force.
 */
export const acknowledgementOutcome = z.enum(['applied', 'refused', 'released']);

export const acknowledgeConfiguration = command({
  context,
  name: 'AcknowledgeConfiguration',
  summary: 'Say which configuration an instance runs, or that it refuses one or runs none any more',
  idField: 'instance_id',
  data: z.strictObject({
    service_id: f.name,
    instance_id: f.externalId,
    environment: runningEnvironment,
    /** Of the configuration, as the registry named it; of one that is released, what it was. */
    checksum: f.checksum,
    /** That with which it was in force when the instance judged it. Absent: what is in force now. */
    activation: z.number().int().min(1).optional(),
    outcome: acknowledgementOutcome,
    /** Why it is refused. It is kept and shown: no values in it that are secret. */
    reason: reason.optional(),
  }),
  answer: z.object({
    instance_id: f.externalId,
    is_current: z.boolean().describe('Whether this is as it is in force'),
  }),
  example: {
    service_id: 'billing',
    instance_id: 'billing-1',
    environment: 'production',
    checksum: '7d1a54127b222502f5b79b5fb0803061152a44f92b37e23c6527baf665d4da9a',
    activation: 5,
    outcome: 'applied',
  },
  http: { method: 'POST', path: '/services/{service_id}/instances/{instance_id}/configuration' },
});

export const configurationCommands = [
  createConfiguration,
  activateConfiguration,
  rollbackConfiguration,
  acknowledgeConfiguration,
] as const;
