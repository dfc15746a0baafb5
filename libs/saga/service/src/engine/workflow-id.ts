import { createHash } from 'node:crypto';

/** Namespace of the ids of runs; any fixed UUID does. */
const NAMESPACE = Buffer.from('6f1c9a1e3d5b4c0e9a52d1b7a8c4e2f0', 'hex');

/**
 * The id of the run with this correlation id: a name-based UUID (RFC 9562, version 5). The same
 * correlation id is the same run, so the log's unique streams keep it unique.
 */
export function workflowIdOf(correlationId: string): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(correlationId).digest();
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-');
}
