import { hash } from 'node:crypto';
import type { CommandContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';

/** The same text has the same UUID: version 8 of RFC 9562, bits of our own choice, here a SHA-256. */
export function uuidFrom(text: string): string {
  const hex = hash('sha256', text);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

/** What a command is about, told from the fields that its contract makes the id of. */
export const derivedId = ({ idFrom = [] }: Pick<CommandContract, 'idFrom'>, data: JsonObject) =>
  uuidFrom(JSON.stringify(idFrom.map((field) => data[field] ?? null)));
