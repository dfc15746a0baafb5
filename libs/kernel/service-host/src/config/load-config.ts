import { z } from 'zod';

/** The environment does not say what the process needs to know; every wrong key is listed. */
export class InvalidConfig extends Error {
  override readonly name = 'InvalidConfig';

  constructor(readonly problems: readonly { readonly key: string; readonly message: string }[]) {
    super(
      ['the configuration is not valid:', ...problems.map((p) => `  ${p.key} ${p.message}`)].join(
        '\n',
      ),
    );
  }
}

/**
 * Reads settings from the environment. Keys the schema does not know are the business of others.
 *
 * @throws {InvalidConfig} Lists all keys that are missing or wrong, not only the first.
 */
export function loadConfig<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): z.output<Schema> {
  // An empty value in an .env file means "not set".
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  throw new InvalidConfig(
    parsed.error.issues.map((issue) => ({
      key: issue.path.join('.'),
      message:
        issue.code === 'invalid_type' && issue.input === undefined
          ? 'is missing'
          : issue.message.charAt(0).toLowerCase() + issue.message.slice(1),
    })),
  );
}
