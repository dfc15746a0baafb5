import type { Json, JsonObject } from '@downbeat/eventsourcing';
import { isBranch } from './document';

/**
 * `patch` upon `target`: objects are merged key by key, null removes a key, everything else (lists
 * and secrets too) takes the place of what was there.
 *
 * @see RFC 7396, JSON Merge Patch.
 */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged: Record<string, Json | undefined> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete merged[key];
    else merged[key] = isBranch(value) ? mergePatch(branchOr(merged[key]), value) : value;
  }
  return merged;
}

/** What is no object gives way to an object. */
const branchOr = (value: Json | undefined): JsonObject => (isBranch(value) ? value : {});
