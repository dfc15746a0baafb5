import { readFile } from 'node:fs/promises';

const BYTES_MAX = 4_096;
const SETTING = /^env:(ALERTS_SECRET_[A-Z0-9_]+)$/;
const FILE = /^file:(\/run\/secrets\/alerts[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*)$/;

/** Whether a reference names a key for alerts, as it has to begin. */
export const isForAlerts = (ref: string): boolean => SETTING.test(ref) || FILE.test(ref);

/**
 * The key that a reference names; undefined when there is none. Of settings and files only those are read
 * that are meant for this, as their names begin: whoever may name a receiver shall not sign with another secret.
 */
export async function webhookSecret(
  ref: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const setting = SETTING.exec(ref)?.[1];
  if (setting !== undefined) return environment[setting] || undefined;
  const file = FILE.exec(ref)?.[1];
  return file === undefined ? undefined : contentOf(file);
}

async function contentOf(file: string): Promise<string | undefined> {
  try {
    const content = await readFile(file, 'utf8');
    return content.slice(0, BYTES_MAX).trim() || undefined;
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fault;
  }
}
