import type { Json } from '@downbeat/eventsourcing';

/** The one member of an object that stands for a secret value. */
export const SECRET = '$secret';

/** Where an instance finds the value by itself: `env:DB_PASSWORD`, `file:/run/secrets/db`, `vault:billing/db`. */
const REFERENCE = /^[a-z][a-z0-9+.-]{0,31}:[!-~]{1,500}$/;

interface SecretError {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * What is wrong with the secrets in a document: anything but one reference each. What it says of
 * them never holds what they hold.
 */
export function secretErrors(document: Json): readonly SecretError[] {
  const errors: SecretError[] = [];
  const visit = (value: Json | undefined, path: readonly (string | number)[]): void => {
    if (value === null || typeof value !== 'object') return;
    if (Array.isArray(value)) return value.forEach((item: Json, at) => visit(item, [...path, at]));
    if (!Object.hasOwn(value, SECRET))
      return Object.entries(value).forEach(([key, inner]) => visit(inner, [...path, key]));
    const message = wrongWith(value as Readonly<Record<string, Json>>);
    if (message !== undefined) errors.push({ path: [...path, SECRET], message });
  };
  visit(document, []);
  return errors;
}

function wrongWith(value: Readonly<Record<string, Json>>): string | undefined {
  if (Object.keys(value).length > 1) return 'must be the only member of its object';
  const secret = value[SECRET];
  if (secret === null || typeof secret !== 'object' || Array.isArray(secret))
    return 'must be an object with a ref';
  const { ref, ...others } = secret as Readonly<Record<string, Json>>;
  if (Object.keys(others).length > 0) return 'must have a ref and nothing else';
  return typeof ref === 'string' && REFERENCE.test(ref)
    ? undefined
    : 'must name a place in ref, such as env:DB_PASSWORD';
}
