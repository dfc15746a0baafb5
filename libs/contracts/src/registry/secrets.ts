import type { Json } from '@downbeat/eventsourcing';
import { z } from 'zod';
import { query } from '../contract';
import * as f from '../fields';

const context = 'registry' as const;
const environment = z.enum(['base', 'development', 'staging', 'production']);
const SECRET_LENGTH_MAX = 8_192;

/** The one member of an object that stands for a secret value. */
export const SECRET = '$secret';

/** Where an instance finds the value by itself: `env:CONFIG_DB_PASSWORD`, `file:/run/secrets/db`, `vault:billing/db`. */
const REFERENCE = /^[a-z][a-z0-9+.-]{0,31}:[!-~]{1,500}$/;

/** What `seal-secret` makes of a value. */
const SEALED = /^s1\.[0-9a-f]{16}\.[A-Za-z0-9_-]{1,40000}$/;

interface SecretError {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * What is wrong with the secrets in a document: each is a reference, a sealed value, or the one that an earlier version has there. What it says of
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
  if (secret === null || typeof secret !== 'object' || Array.isArray(secret)) return ONE_OF_THREE;
  const { ref, sealed, kept_from, ...others } = secret as Readonly<Record<string, Json>>;
  const said = [ref, sealed, kept_from].filter((one) => one !== undefined);
  if (Object.keys(others).length > 0 || said.length !== 1) return ONE_OF_THREE;
  if (sealed !== undefined)
    return typeof sealed === 'string' && SEALED.test(sealed) ? undefined : 'was not sealed here';
  if (kept_from !== undefined)
    return typeof kept_from === 'string' && kept_from.length <= 64
      ? undefined
      : 'must name an earlier version in kept_from';
  return typeof ref === 'string' && REFERENCE.test(ref)
    ? undefined
    : 'must name a place in ref, such as env:CONFIG_DB_PASSWORD';
}

const ONE_OF_THREE =
  'must have one of ref, sealed (by seal-secret) and kept_from (an earlier version), and nothing else; a plain value must not be sent in a command';

/**
 * A question and no command: commands stand on a stream and, refused, among the dead letters. The
 * value goes to the registry and is forgotten.
 */
export const sealSecret = query({
  context,
  name: 'seal-secret',
  summary: 'Encrypt a value, so that a configuration can hold it; keeps nothing',
  presentOnly: 'it keeps nothing',
  input: z.strictObject({
    service_id: f.name,
    environment,
    value: z.string().min(1).max(SECRET_LENGTH_MAX),
  }),
  answer: z.object({
    $secret: z
      .object({ sealed: z.string() })
      .describe('Stands in a configuration of this service and environment for the value'),
  }),
  http: { method: 'POST', path: '/services/{service_id}/configurations/{environment}/seal' },
});

/** What the asker has. */
export const askersConfiguration = {
  checksum: f.checksum
    .optional()
    .describe(
      'Of the configuration that the asker has. In force, it is not sent again. Nothing in force, it was taken back (`no-configuration-in-force`), or the log does not know that it ever was in force (`configuration-not-in-history`, as after a restore from an older dump), and is to be kept',
    ),
  activation: z.coerce
    .number()
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('With which the asker was given it: the same may have been taken back before'),
};

/** Not over HTTP: the edge neither gets it nor asks for it. */
export const instanceConfiguration = query({
  context,
  name: 'instance-configuration',
  askedFor: 'service_id',
  summary: 'The configuration in force with its secret values, sealed to the key of an instance',
  input: z.strictObject({
    service_id: f.name,
    instance_id: f.externalId,
    environment: z.enum(['development', 'staging', 'production']),
    ...askersConfiguration,
    /** X25519, 32 bytes in base64url; a new one for every question. */
    public_key: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url'),
  }),
  answer: z.object({
    config_version: z.string(),
    checksum: z.string(),
    activation: z.number().int(),
    is_changed: z.boolean(),
    sealed: z
      .object({
        public_key: z.string().describe('X25519, of the registry, for this answer alone'),
        iv: z.string(),
        ciphertext: z.string().describe('AES-256-GCM, with its tag at the end'),
      })
      .optional()
      .describe(
        'The configuration as JSON, each sealed value in its place. Key: HKDF-SHA256 of the shared secret, without salt, info `downbeat configuration`; additional data: the checksum',
      ),
    secrets: z
      .array(z.string())
      .optional()
      .describe('JSON pointers (RFC 6901) to the values in it that were sealed'),
  }),
});

export const secretKeys = query({
  context,
  name: 'secret-keys',
  summary: 'Under which keys the secrets of configurations are, while they move to a new one',
  presentOnly: 'keys are no events',
  input: z.strictObject({}),
  answer: z.object({
    current_key_id: z.string().optional().describe('Absent: no key is set, nothing can be sealed'),
    keys: z.array(
      z.object({
        key_id: z.string(),
        is_known: z.boolean().describe('False: what is under it cannot be read'),
        data_keys: z.number().int(),
      }),
    ),
  }),
  http: { method: 'GET', path: '/configuration-keys' },
});

export const secretQueries = [sealSecret, instanceConfiguration, secretKeys] as const;
