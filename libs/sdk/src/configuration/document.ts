import type { Json } from '@downbeat/eventsourcing';
import { ConfigurationRefusal } from './reason';
import type { LookUp } from './references';
import { Secret } from './secret';

/** A configuration in force, as the registry gave it to this instance. */
export interface Offer {
  readonly config_version: string;
  readonly checksum: string;
  readonly document: Json;
  /** JSON pointers (RFC 6901) to the values that are secret. */
  readonly secrets: readonly string[];
}

/** A reference in a configuration leads nowhere on this machine. */
export class SecretNotFound extends ConfigurationRefusal {
  override readonly name = 'SecretNotFound';
  readonly code = 'sdk/secret-not-found';
}

/**
 * The document with a {@link Secret} at each place that has a secret value, and for each reference.
 *
 * @param found Is given each of them, so that nothing that is said later repeats one.
 * @throws {SecretNotFound}
 */
export async function withSecrets(
  { document, secrets }: Offer,
  lookUp: LookUp,
  found: Secret[] = [],
): Promise<unknown> {
  const places = new Set(secrets);
  const hidden = (value: string): Secret => {
    const secret = new Secret(value);
    found.push(secret);
    return secret;
  };
  const visit = async (value: Json | undefined, pointer: string): Promise<unknown> => {
    if (typeof value === 'string') return places.has(pointer) ? hidden(value) : value;
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value))
      return Promise.all(value.map((item: Json, at) => visit(item, `${pointer}/${at}`)));
    const reference = referenceOf(value as Readonly<Record<string, Json>>);
    if (reference !== undefined) return hidden(await valueOf(reference, pointer, lookUp));
    const entries = Object.entries(value as Readonly<Record<string, Json>>).map(
      async ([key, inner]) => [key, await visit(inner, `${pointer}/${escaped(key)}`)] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  };
  return visit(document, '');
}

/** Whether anything in it is secret, also what is not found. */
export const hasSecrets = ({ document, secrets }: Offer): boolean =>
  secrets.length > 0 || hasReference(document);

function hasReference(value: Json | undefined): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some(hasReference);
  const branch = value as Readonly<Record<string, Json>>;
  return referenceOf(branch) !== undefined || Object.values(branch).some(hasReference);
}

/** Those in what a schema has made. */
export function secretsOf(value: unknown, seen = new Set<unknown>()): readonly Secret[] {
  if (value instanceof Secret) return [value];
  if (value === null || typeof value !== 'object' || seen.has(value)) return [];
  seen.add(value);
  return Object.values(value).flatMap((inner: unknown) => secretsOf(inner, seen));
}

function referenceOf(value: Readonly<Record<string, Json>>): string | undefined {
  const said = value['$secret'];
  if (said === null || typeof said !== 'object' || Array.isArray(said)) return undefined;
  const { ref } = said as Readonly<Record<string, Json>>;
  return typeof ref === 'string' ? ref : undefined;
}

async function valueOf(reference: string, pointer: string, lookUp: LookUp): Promise<string> {
  const value = await lookUp(reference);
  if (typeof value === 'string') return value;
  throw new SecretNotFound(
    `${pointer} refers to ${reference}, which is not there, or not for configurations`,
  );
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
