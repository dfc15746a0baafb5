import { z } from 'zod';
import { query } from '../contract';
import * as f from '../fields';
import {
  configurationEnvironment,
  configVersion,
  healthGate,
  runningEnvironment,
} from './configuration';
import { askersConfiguration, secretQueries } from './secrets';

const context = 'registry' as const;

const summary = z.object({
  id: z.string(),
  service_id: f.name,
  environment: configurationEnvironment,
  config_version: configVersion,
  base_version: configVersion.optional(),
  description: z.string().optional(),
  checksum: z.string().describe('SHA-256 of the effective configuration as canonical JSON'),
  secrets_refs: z
    .array(z.string())
    .describe('What instances have to look up: `env:CONFIG_DB_PASSWORD`'),
  is_active: z.boolean(),
  is_encrypted: z.boolean().describe('Whether it holds values that are kept as ciphertext'),
  applied_at: f.instant.optional().describe('When it was put in force last'),
  created_by: z.string(),
  created_at: f.instant,
  updated_at: f.instant,
});

export const listConfigurations = query({
  context,
  name: 'list-configurations',
  summary: 'The versions of the configurations of a service, the newest first',
  input: z.strictObject({
    service_id: f.name,
    environment: configurationEnvironment.optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    configurations: z.array(summary),
    total_count: z.number().int(),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/services/{service_id}/configurations' },
});

export const getConfiguration = query({
  context,
  name: 'get-configuration',
  summary: 'One version of a configuration: what was said, and what holds with its base',
  input: z.strictObject({
    service_id: f.name,
    environment: configurationEnvironment,
    config_version: configVersion,
  }),
  answer: summary.extend({
    configuration: f.jsonObject,
    effective_configuration: f.jsonObject,
  }),
  http: {
    method: 'GET',
    path: '/services/{service_id}/configurations/{environment}/versions/{config_version}',
  },
});

export const diffConfigurations = query({
  context,
  name: 'diff-configurations',
  summary: 'What would be different with another version',
  input: z.strictObject({
    service_id: f.name,
    environment: configurationEnvironment,
    /** Absent: the version in force, or nothing when none is. */
    from: configVersion.optional(),
    to: configVersion,
  }),
  answer: z.object({
    from: configVersion.optional(),
    to: configVersion,
    differences: z.array(
      z.object({
        path: z.string().describe('A JSON pointer (RFC 6901) into the effective configuration'),
        change: z.enum(['added', 'removed', 'changed']),
        from: f.json.optional(),
        to: f.json.optional(),
      }),
    ),
  }),
  http: { method: 'GET', path: '/services/{service_id}/configurations/{environment}/diff' },
});

export const effectiveConfiguration = query({
  context,
  name: 'effective-configuration',
  summary: 'The configuration in force; asked with its checksum, it is not sent again',
  input: z.strictObject({
    service_id: f.name,
    environment: runningEnvironment,
    ...askersConfiguration,
  }),
  answer: z.object({
    service_id: f.name,
    environment: runningEnvironment,
    config_version: configVersion,
    checksum: z.string(),
    activation: z.number().int(),
    applied_at: f.instant,
    is_changed: z.boolean().describe('False: the asker has it, and it is left out'),
    configuration: f.jsonObject.optional(),
  }),
  http: { method: 'GET', path: '/services/{service_id}/configurations/{environment}/effective' },
});

const gateEvidence = z.object({
  observed_ms: z.number().int(),
  instances: z.number().int(),
  unhealthy: z.number().int(),
  unhealthy_before: z
    .number()
    .int()
    .optional()
    .describe('Those that were unhealthy before it and still are: they do not speak against it'),
  applied: z.number().int(),
  refused: z.number().int(),
  refusals: z
    .array(z.object({ instance_id: f.externalId, reason: z.string().optional() }))
    .describe('Some of those that refused it'),
});

export const listActivations = query({
  context,
  name: 'list-configuration-activations',
  summary: 'What was in force when, who put it there, and what its gate said; the newest first',
  input: z.strictObject({
    service_id: f.name,
    environment: runningEnvironment,
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    activations: z.array(
      z.object({
        activation: z.number().int(),
        config_version: configVersion,
        previous_version: configVersion.optional(),
        checksum: z.string(),
        status: z
          .enum(['observing', 'active', 'reverted', 'superseded'])
          .describe('observing: its gate is open. superseded: another took its place'),
        cause: z.enum(['activation', 'rollback', 'revert']),
        reason: z.string().optional(),
        gate: healthGate.required().optional(),
        activated_by: z.string(),
        activated_at: f.instant,
        judged_at: f.instant.optional(),
        because: z.string().optional().describe('Why it was taken back, or what it makes up for'),
        evidence: gateEvidence.optional().describe('What was seen when it was judged'),
      }),
    ),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/services/{service_id}/configurations/{environment}/activations' },
});

export const configuredInstances = query({
  context,
  name: 'list-configured-instances',
  summary: 'Which instance runs which configuration, and whether it is the one in force',
  input: z.strictObject({
    service_id: f.name,
    environment: runningEnvironment,
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    config_version: configVersion.optional().describe('The one in force'),
    checksum: z.string().optional(),
    total_count: z.number().int(),
    current_count: z.number().int().describe('Instances that run what is in force'),
    refused_count: z.number().int().describe('Instances that refused what is in force'),
    instances: z.array(
      z.object({
        instance_id: f.externalId,
        status: z.enum(['starting', 'healthy', 'unhealthy', 'terminating']),
        outcome: z
          .enum(['applied', 'refused', 'released', 'unknown'])
          .describe(
            'released: nothing is in force for it, and it runs what it has by itself. unknown: it has not said anything since it was registered',
          ),
        checksum: z.string().optional(),
        reason: z.string().optional(),
        acknowledged_at: f.instant.optional(),
        is_current: z
          .boolean()
          .describe('It applied what is in force, or released what was when nothing is'),
      }),
    ),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/services/{service_id}/configurations/{environment}/instances' },
});

/**
 * Core NATS hint that another configuration is in force:
 * `{ service_id, environment, checksum, position }`, without a checksum when nothing is. Whoever asks for it then asks with
 * `min_position`, or may be answered from before.
 */
export const CONFIGURATION_HINT = 'hint.registry.configuration';

export const configurationQueries = [
  listConfigurations,
  getConfiguration,
  diffConfigurations,
  effectiveConfiguration,
  listActivations,
  configuredInstances,
  ...secretQueries,
] as const;
