import { CONTEXTS, migrate } from '@downbeat/event-store';
import { z } from 'zod';
import { contextConfig } from './config/host-config';
import { InvalidConfig, loadConfig } from './config/load-config';
import { databaseConfig } from './config/migrate-config';

/**
 * Brings the database of `DATABASE_URL` (the owner's) to what this version needs. The roles get the
 * passwords that stand in the `DATABASE_URL_<CONTEXT>` given; the others keep theirs.
 */
async function main(): Promise<void> {
  const { DATABASE_URL } = loadConfig(databaseConfig);
  const roleUrls = loadConfig(
    z.object(
      Object.assign({}, ...CONTEXTS.map((context) => contextConfig(context).partial().shape)),
    ),
  ) as Readonly<Record<string, string | undefined>>;
  const passwords = Object.fromEntries(
    CONTEXTS.flatMap((context) => {
      const url = roleUrls[`DATABASE_URL_${context.toUpperCase()}`];
      return url === undefined ? [] : [[context, decodeURIComponent(new URL(url).password)]];
    }),
  );
  await migrate(DATABASE_URL, { passwords });
  process.stdout.write(
    `the database is ready; passwords set: ${Object.keys(passwords).join(', ')}\n`,
  );
}

main().catch((fault: unknown) => {
  const isConfig = fault instanceof InvalidConfig;
  process.stderr.write(
    `migrate: ${isConfig || !(fault instanceof Error) ? String(fault) : (fault.stack ?? fault.message)}\n`,
  );
  process.exitCode = isConfig ? 78 : 1;
});
