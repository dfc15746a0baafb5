import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// The folders (volumes) of those who get secrets, and what is kept of all in `store`.

const ROOT = process.env.DOWNBEAT_SECRETS_DIR ?? '/secrets';
const SECRET_BYTES = 32;

export const newSecret = () => randomBytes(SECRET_BYTES).toString('base64url');

/** Whole or not at all: a reader never sees half a file. */
export function give(reader, name, text, mode = 0o400) {
  const path = join(ROOT, reader, name);
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}

export const take = (reader, name) => rmSync(join(ROOT, reader, name), { force: true });

export const read = (reader, name) => readFileSync(join(ROOT, reader, name), 'utf8');

/** What was kept under this name, or nothing yet. */
export function kept(name) {
  return existsSync(join(ROOT, 'store', name)) ? JSON.parse(read('store', name)) : {};
}

export const keep = (name, value) => give('store', name, `${JSON.stringify(value, null, 2)}\n`);
