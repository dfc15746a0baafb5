import { z } from 'zod';
import { query } from './contract';
import * as f from './fields';

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

/** What callers know of one service. A newer revision of it replaces an older one whole. */
export const directoryEntry = z.object({
  service_name: f.name,
  /** Position of the last event that changed it. */
  revision: z.number().int(),
  base_url: z.string().optional(),
  capabilities: z.array(f.name),
  capability_versions: z.record(f.name, f.version),
  /** Registered instances, whether they take calls or not. */
  instance_count: z.number().int(),
  targets: z.array(directoryTarget),
});
export type DirectoryEntry = z.output<typeof directoryEntry>;

/** Everything a caller needs to find any service, or what changed since it asked last. */
export const directory = query({
  context,
  name: 'directory',
  summary: 'Services with the instances that take calls, in the order in which they changed',
  input: z.strictObject({
    /** Revision up to which the caller knows everything; 0: nothing. */
    since: z.number().int().min(0).default(0),
    limit: z.number().int().min(1).max(1_000).default(200),
  }),
  answer: z.object({
    services: z.array(directoryEntry).describe('Those that changed after `since`'),
    /** What the caller knows everything up to when it has taken these: its next `since`. */
    revision: z.number().int(),
    has_more: z.boolean(),
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
});
export type DirectoryPush = z.output<typeof directoryPush>;
