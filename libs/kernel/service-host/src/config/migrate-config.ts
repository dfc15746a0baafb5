import { z } from 'zod';

/** What migrating needs to know besides the URLs of the roles. */
export const databaseConfig = z.object({
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .describe('Postgres, as the owner: a superuser, or a role with CREATEROLE and CREATE'),
});
