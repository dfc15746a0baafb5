import { z } from 'zod';
import { command } from '../contract';
import * as f from '../fields';
import { natsSubject } from '../health/checks';
import { lifecycle } from './lifecycle';
import { JSON_KEYS_MAX } from '../untrusted-json';

const context = 'registry' as const;

/** A connection as its NATS server names it, in what it says when a client connects. */
export const natsSession = z.strictObject({
  server_id: f.externalId,
  client_id: z.number().int().min(0),
});
export type NatsSession = z.output<typeof natsSession>;

const instanceFields = z.strictObject({
  service_id: f.name,
  instance_id: f.externalId,
  node_name: f.line(253),
  ip_address: z.union([z.ipv4(), z.ipv6()]),
  port: z.number().int().min(1).max(65_535),
  version: f.version,
  metadata: f.labels.optional(),
  zone: f.name.optional(),
  /** Its share of the calls relative to the other instances'; 1 when absent. */
  weight: z.number().min(0.01).max(1_000).optional(),
  /** 0, which is meant when it is absent, is called first; others take what those before cannot. */
  priority: z.number().int().min(0).max(10).optional(),
  /** The NATS connection that stands for it: when that closes, the instance is gone at once. */
  session: natsSession.optional(),
  /** Without a heartbeat for this long the instance is removed; absent: heartbeats are not expected. */
  heartbeat_ttl_ms: z.number().int().min(1_000).max(3_600_000).optional(),
  /** Where it is asked over NATS whether it works; for services whose checks are of the kind nats. */
  health_check_subject: natsSubject.optional(),
  lifecycle: lifecycle
    .extract(['initializing', 'starting', 'running'])
    .optional()
    .describe(
      'How far it has come: with one of them it takes no calls before `running`, whatever its checks say. An instance that is there and has come further stays there',
    ),
  lifecycle_detail: f.line(500).optional().describe('With `lifecycle` only'),
});

export const registerInstance = command({
  context,
  name: 'RegisterInstance',
  summary: 'Register a running instance of a service',
  idField: 'instance_id',
  data: instanceFields,
  answer: z.object({
    service_id: f.name,
    instance_id: f.externalId,
    service_version: f.version
      .optional()
      .describe('The one that describes the service now; absent when somebody has set it'),
  }),
  example: {
    service_id: 'billing',
    instance_id: 'billing-1',
    node_name: 'node-a',
    ip_address: '10.0.0.7',
    port: 3000,
    version: '1.4.0',
    heartbeat_ttl_ms: 15_000,
  },
  http: { method: 'POST', path: '/services/{service_id}/instances' },
});

export const INSTANCES_AT_ONCE_MAX = 500;

/** What one node, or an agent on it, registers at once; each is registered as it would be alone. */
export const registerInstances = command({
  context,
  name: 'RegisterInstances',
  summary: 'Register the running instances of a node at once, of one service or of many',
  idField: 'node_name',
  data: z.strictObject({
    node_name: f.externalId,
    instances: z
      .array(instanceFields.omit({ node_name: true }))
      .min(1)
      .max(INSTANCES_AT_ONCE_MAX)
      .describe(
        `Fewer when they are large: all together may have 1 MiB and ${JSON_KEYS_MAX} keys and places in lists, ` +
          `of which ${INSTANCES_AT_ONCE_MAX} have 2 KiB and 20 each, their metadata included`,
      ),
  }),
  answer: z.object({
    node_name: f.externalId,
    registered: z
      .number()
      .int()
      .describe('How many are registered now as they were given, those included that were before'),
    refused: z
      .array(
        z.object({
          index: z.number().int().describe('Its place in the list, from 0'),
          service_id: f.name,
          instance_id: f.externalId,
          code: z.string(),
          message: z.string(),
        }),
      )
      .describe('Of these nothing is stored; give them again under another id of the command'),
  }),
  example: {
    node_name: 'node-a',
    instances: [
      {
        service_id: 'billing',
        instance_id: 'billing-1',
        ip_address: '10.0.0.7',
        port: 3000,
        version: '1.4.0',
      },
      {
        service_id: 'ledger',
        instance_id: 'ledger-1',
        ip_address: '10.0.0.7',
        port: 3001,
        version: '2.0.1',
      },
    ],
  },
  http: { method: 'POST', path: '/nodes/{node_name}/instances' },
});
