import { randomUUID } from 'node:crypto';

/** A UUID that sorts by the millisecond it was made in (RFC 9562, version 7). */
export function uuidV7(epochMs: number = Date.now()): string {
  const time = epochMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
