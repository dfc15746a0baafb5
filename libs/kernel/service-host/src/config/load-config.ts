import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Why a setting cannot be used: `NATS_URL` `is missing`. */
export interface ConfigProblem {
  readonly key: string;
  readonly message: string;
}

/** The environment does not say what the process needs to know; every wrong key is listed. */
export class InvalidConfig extends Error {
  override readonly name = 'InvalidConfig';

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(
      ['the configuration is not valid:', ...problems.map((p) => `  ${p.key} ${p.message}`)].join(
        '\n',
      ),
    );
  }
}

/**
 * Reads settings from the environment. Keys the schema does not know are the business of others.
 * `<KEY>_FILE` names a file that holds the value, less its last line break: how containers are
 * given secrets.
 *
 * @throws {InvalidConfig} Lists all keys that are missing or wrong, not only the first.
 */
export function loadConfig<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): z.output<Schema> {
  // An empty value in an .env file means "not set".
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const fromFiles = readFiles(Object.keys(schema.shape), set);
  const given: Readonly<Record<string, unknown>> = { ...set, ...fromFiles.values };
  const parsed = schema.safeParse(given);
  if (parsed.success && fromFiles.problems.length === 0) return parsed.data;
  const unread = new Set(fromFiles.problems.map(({ key }) => key));
  const invalid = (parsed.error?.issues ?? [])
    .map(({ path, message }) => ({ key: path.join('.'), message }))
    .map(({ key, message }) => ({
      key,
      message:
        given[key] === undefined
          ? 'is missing'
          : message.charAt(0).toLowerCase() + message.slice(1),
    }))
    .filter(({ key }) => !unread.has(`${key}_FILE`));
  throw new InvalidConfig([...fromFiles.problems, ...invalid]);
}

/** The values of the keys that a file is named for. */
function readFiles(
  keys: readonly string[],
  set: Readonly<Record<string, string | undefined>>,
): { readonly values: Record<string, string>; readonly problems: readonly ConfigProblem[] } {
  const values: Record<string, string> = {};
  const problems: ConfigProblem[] = [];
  for (const key of keys) {
    const path = set[`${key}_FILE`];
    if (path === undefined) continue;
    if (set[key] !== undefined)
      problems.push({ key: `${key}_FILE`, message: `and ${key} are both set, which must not be` });
    else
      try {
        values[key] = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
      } catch (fault) {
        const { code } = fault as NodeJS.ErrnoException;
        if (code === undefined) throw fault;
        problems.push({ key: `${key}_FILE`, message: `names a file that cannot be read: ${code}` });
      }
  }
  return { values, problems };
}
