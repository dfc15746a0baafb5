import { z } from 'zod';
import { query } from '../contract';
import * as f from '../fields';
import { runningEnvironment } from './configuration';

const context = 'registry' as const;

/** An instance that takes calls. */
export const target = z.object({
  service_name: f.name,
  instance_id: f.externalId,
  version: f.version,
  /** Where to call it, without a trailing slash. */
  url: z.string(),
});

/** The same with what a balancer wants to know of it; what was not said at its registration is absent. */
export const directoryTarget = target.extend({
  zone: z.string().optional(),
  weight: z.number().optional(),
  priority: z.number().int().optional(),
});

/**
 * `unhealthy`: it ran, and fails its checks or is held back for changing too often. `draining`: it says that
 * it is stopping, and works.
 */
export const unofferedState = z.enum(['unhealthy', 'draining']);
export type UnofferedState = z.output<typeof unofferedState>;

/** What callers know of one service. A newer revision of it replaces an older one whole. */
export const directoryEntry = z.object({
  service_name: f.name,
  /** Position of the last event that changed it. */
  revision: z.number().int(),
  /** Absent: unknown; whoever looks for a capability finds it from every environment. */
  environment: runningEnvironment.optional(),
  base_url: z.string().optional(),
  capabilities: z.array(f.name),
  /** Of the service: what is called at `base_url` has them in these. */
  capability_versions: z.record(f.name, f.version),
  /** Those of them that were said without a version: each instance has them in its own. */
  unversioned_capabilities: z.array(f.name).optional(),
  /** Registered instances, whether they take calls or not. */
  instance_count: z.number().int(),
  targets: z.array(directoryTarget),
  /**
   * Instances that take no new calls, for those who balance: all are called when too few are left, and
   * who is bound to one that drains stays with it.
   */
  unoffered: z.array(directoryTarget.extend({ state: unofferedState })).optional(),
});
export type DirectoryEntry = z.output<typeof directoryEntry>;

/**
 * An event of the registry's log by its position and its id. A log that was put back to an earlier state
 * and has grown since has other events at the same positions.
 */
export const logMark = z.object({ position: z.number().int().min(1), event_id: f.externalId });
export type LogMark = z.output<typeof logMark>;

/**
 * How much is told of a service: raised when what is added matters to callers who have the service's entry,
 * which then take it at the same revision too. 1, or absent: as it was before; 2: with its environment.
 */
export const DIRECTORY_SHAPE = 2;
const shape = z.number().int().min(1).optional();

/** Everything a caller needs to find any service, or what changed since it asked last. */
export const directory = query({
  context,
  name: 'directory',
  summary: 'Services with the instances that take calls, in the order in which they changed',
  presentOnly: 'it is answered from memory, for those who call now',
  input: z.strictObject({
    /** Revision up to which the caller knows everything; 0: nothing. */
    since: z.number().int().min(0).default(0),
    limit: z.number().int().min(1).max(1_000).default(200),
    /** What the caller knows was told by a log that holds this. */
    mark: logMark.optional(),
  }),
  answer: z.object({
    services: z.array(directoryEntry).describe('Those that changed after `since`'),
    /** What the caller knows everything up to when it has taken these: its next `since`. */
    revision: z.number().int(),
    has_more: z.boolean(),
    /** In which the services are told. */
    shape,
    /** Of the log that this was read from. */
    mark: logMark.optional(),
    /** The log does not hold what the caller named: what it knows is of another one. Nothing else is told. */
    is_other_log: z.boolean().optional(),
  }),
});
export type DirectoryPage = z.output<typeof directory.answer>;

/**
 * Core NATS, from each replica of the registry: entries that changed, and once a second none, so that
 * callers know that nothing did. Who knows everything up to `after` knows everything up to `revision`
 * with it.
 */
export const DIRECTORY_PUSH = 'hint.registry.directory';

export const directoryPush = z.object({
  after: z.number().int(),
  revision: z.number().int(),
  services: z.array(directoryEntry),
  /** In which the services are told, and would be if there were any. */
  shape,
  /** Of the log that this was read from. */
  mark: logMark.optional(),
});
export type DirectoryPush = z.output<typeof directoryPush>;
