import { resolve } from 'node:path';
import { z } from 'zod';
import { SuiteError } from './suite-error';

/** What `npm start` reads from the environment. */
export const suiteSettings = z.object({
  GATEWAY_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(8_080)
    .describe('Port of the gateway on 127.0.0.1; 0 takes a free one'),
  DOWNBEAT_DATA_DIR: z
    .string()
    .min(1)
    .default('.downbeat')
    .describe('Where the data, the logs and run.json are'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('A PostgreSQL to use instead of the embedded one, as its superuser or owner'),
  NATS_URL: z
    .url({ protocol: /^(nats|tls)$/ })
    .optional()
    .describe('A nats-server with JetStream to use instead of an own one'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Of every process; what is less severe is not logged'),
});

export interface Settings {
  readonly gatewayPort: number;
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly natsUrl: string | undefined;
  readonly logLevel: string;
}

/** @throws {SuiteError} Names every setting that is wrong. */
export function readSettings(environment: NodeJS.ProcessEnv, workspace: string): Settings {
  // An empty value in an .env file means "not set".
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = suiteSettings.safeParse(set);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new SuiteError(`the environment is not valid (${wrong.join('; ')})`);
  }
  const { data } = parsed;
  return {
    gatewayPort: data.GATEWAY_PORT,
    dataDir: resolve(workspace, data.DOWNBEAT_DATA_DIR),
    databaseUrl: data.DATABASE_URL,
    natsUrl: data.NATS_URL,
    logLevel: data.LOG_LEVEL,
  };
}
