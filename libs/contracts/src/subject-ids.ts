import { commandSubject, type CommandContract } from './contract';

/** A dot of an id; no id has a `%` of its own. */
const DOT = '%2E';

/** An id as one part of a subject. */
export const quotedId = (id: string): string => id.replaceAll('.', DOT);

/** Where a command is sent to in nobody's name, whatever its id looks like: who may say it is the sender's business. */
export const commandSubjectOfAny = (contract: CommandContract, id: string): string =>
  commandSubject(contract, contract.misfitsOf ? quotedId(id) : id);

/** The id that a command's subject ends with, and in whose name it is sent where that matters. */
export function idInSubject(parts: readonly string[]): {
  readonly id: string;
  readonly service?: string;
} {
  const [first = '', second, ...more] = parts;
  if (second === undefined) return { id: first.replaceAll(DOT, '.') };
  const id = parts.join('.');
  return more.length === 0 ? { id, service: first } : { id };
}
