import { readFile, stat } from 'node:fs/promises';
import { posix } from 'node:path';

/** Where an instance finds a secret value by itself: `env:CONFIG_DB_PASSWORD`. undefined: it is not there. */
export type LookUp = (reference: string) => string | undefined | Promise<string | undefined>;

const FILES = '/run/secrets/';
const FILE_BYTES_MAX = 65_536;

/** Variables that were set for configurations, by their names. */
export const VARIABLES_READ: readonly string[] = ['CONFIG_*'];

/**
 * `env:NAME` is a variable of the environment that is among `variables`, `file:/run/secrets/…` a file there
 * without its last line break. Nothing else: who writes configurations is not to read what else lies on
 * the machines of instances.
 *
 * @param variables Names; with `*` at its end, a name stands for all that begin so.
 */
export const lookUpAmong =
  (variables: readonly string[]): LookUp =>
  async (reference) => {
    const [, scheme, place = ''] = /^([a-z][a-z0-9+.-]*):(.+)$/.exec(reference) ?? [];
    if (scheme === 'env')
      return variables.some((one) => isNamed(place, one)) && Object.hasOwn(process.env, place)
        ? process.env[place]
        : undefined;
    if (scheme !== 'file' || posix.normalize(place) !== place || !place.startsWith(FILES))
      return undefined;
    return readSmall(place);
  };

const isNamed = (name: string, by: string): boolean =>
  by.endsWith('*') ? name.startsWith(by.slice(0, -1)) : name === by;

async function readSmall(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX) return undefined;
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && fault.code === 'ENOENT') return undefined;
    throw fault;
  }
}
