import { z } from 'zod';
import { scrubbed } from './scrubbed';

const LENGTH_MAX = 500;
/** What a line that everybody is shown must not hold: see `line` of the contracts. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;
/** What programs are called and not what they are told. */
const IDENTIFIER = /^\w[\w./-]{0,63}$/;

/** Refused by what stands here: its message holds no value. */
export class ConfigurationRefusal extends Error {
  override readonly name: string = 'ConfigurationRefusal';
}

/** Why a configuration is refused, in one line, for the service's own log: without these values. */
export const reasonOf = (thrown: unknown, secrets: readonly string[] = []): string =>
  lineOf(() => scrubbed(textOf(thrown), secrets));

/**
 * The same for everybody to read, of a service that knows secret values: what a schema or a listener says
 * may repeat one in a way that nobody thought of, so that only places, names and codes are told.
 */
export const discreetReasonOf = (thrown: unknown, secrets: readonly string[]): string =>
  lineOf(() => scrubbed(discreetTextOf(thrown), secrets));

function lineOf(text: () => string): string {
  const line = saidBy(text).replace(INVISIBLE, ' ').trim();
  // Half of a pair is not visible either.
  const cut = line.slice(0, LENGTH_MAX).replace(/\p{Cs}$/u, '');
  return cut === '' ? 'no reason was given' : cut;
}

function saidBy(text: () => string): string {
  try {
    return text();
  } catch {
    // Anything can be thrown, also what fails when it is looked at.
    return 'what was thrown cannot be shown';
  }
}

function textOf(thrown: unknown): string {
  if (thrown instanceof z.ZodError)
    return thrown.issues.map(({ path, message }) => `${placeOf(path)}: ${message}`).join('; ');
  return String(thrown instanceof Error ? thrown.message : thrown);
}

function discreetTextOf(thrown: unknown): string {
  if (thrown instanceof ConfigurationRefusal) return thrown.message;
  const rest = 'its own log has the rest, since it knows secrets';
  if (thrown instanceof z.ZodError)
    return `${thrown.issues.map(({ path, code }) => `${placeOf(path)}: ${code}`).join('; ')} (${rest})`;
  if (!(thrown instanceof Error)) return `no error was thrown (${rest})`;
  const code: unknown = 'code' in thrown ? thrown.code : undefined;
  const known = [thrown.name, code].filter(
    (one) => typeof one === 'string' && IDENTIFIER.test(one),
  );
  return `${known.join(' ') || 'an error'} (${rest})`;
}

const placeOf = (path: readonly PropertyKey[]): string =>
  ['configuration', ...path].map(String).join('.');
