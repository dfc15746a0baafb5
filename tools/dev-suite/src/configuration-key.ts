import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const KEY_BYTES = 32;

/**
 * The file with the key that secret values of configurations are under: made at the first start and
 * kept (mode 0600), beside the database and not in it. Without it the values are gone.
 *
 * @returns Its path. Nobody but the registry needs to read it.
 */
export function configurationKeyFile(dataDir: string): string {
  const path = join(dataDir, 'configuration-key');
  if (!existsSync(path)) makeKey(path);
  chmodSync(path, 0o600);
  return path;
}

/** Whole and on the disk before anything is encrypted with it. */
function makeKey(path: string): void {
  const draft = `${path}.new`;
  const file = openSync(draft, 'w', 0o600);
  try {
    writeSync(file, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}
