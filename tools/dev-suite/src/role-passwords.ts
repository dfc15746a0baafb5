import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '@downbeat/local-servers';

/** The password of each context's database role, made at the first start and kept (mode 0600). */
export function rolePasswords(
  dataDir: string,
  contexts: readonly string[],
): Record<string, string> {
  const path = join(dataDir, 'role-passwords.json');
  const kept = read(path);
  const passwords = Object.fromEntries(
    contexts.map((context) => [context, kept[context] ?? randomBytes(24).toString('base64url')]),
  );
  writeFileSync(path, `${JSON.stringify(passwords, null, 2)}\n`, { mode: 0o600 });
  return passwords;
}

function read(path: string): Readonly<Record<string, string>> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, string>>;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return {};
    throw error;
  }
}
