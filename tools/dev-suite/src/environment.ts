import { contextUrl } from '@downbeat/event-store';
import type { AppPlan } from './topology';

/** Where the parts of one suite are. */
export interface Addresses {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly gatewayPort: number;
  /** By context. */
  readonly passwords: Readonly<Record<string, string>>;
  readonly logLevel: string;
  readonly dataDir: string;
  /** Names the key that secrets of configurations are under. */
  readonly configurationKeyFile: string;
}

/** Less than the suite gives a process to stop, so that it can still say what kept it. */
const SHUTDOWN_TIMEOUT_MS = 3_000;

// Settings of this process: the owner's database, libpq's defaults and npm's variables are no app's business.
const KEPT_BACK =
  /^(DATABASE_URL|NATS_URL|PG|PORT$|HOST$|GATEWAY_|DOWNBEAT_DATA_DIR$|DOWNBEAT_CONFIG_KEY|NODE_CHANNEL_|npm_|INIT_CWD$)/;

/**
 * The environment of one process: this one's, less what it must not know, and exactly the database
 * roles of the contexts it runs.
 */
export function environmentOf(
  plan: AppPlan,
  addresses: Addresses,
  inherited: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const { databaseUrl, natsUrl, gatewayPort, passwords, logLevel, dataDir } = addresses;
  const kept = Object.entries(inherited).filter(([key]) => !KEPT_BACK.test(key));
  const roles = plan.contexts.map((context) => [
    `DATABASE_URL_${context.toUpperCase()}`,
    contextUrl(databaseUrl, context, passwords[context] ?? ''),
  ]);
  return {
    SHUTDOWN_TIMEOUT_MS: `${SHUTDOWN_TIMEOUT_MS}`,
    NODE_ENV: 'development',
    ...Object.fromEntries(kept),
    ...Object.fromEntries(roles),
    ...(plan.contexts.includes('registry') ? configurationKey(addresses, inherited) : {}),
    ...(plan.stage === 'demo'
      ? { GATEWAY_URL: `http://127.0.0.1:${gatewayPort}`, DOWNBEAT_DATA_DIR: dataDir }
      : {}),
    NATS_URL: natsUrl,
    HOST: '127.0.0.1',
    PORT: plan.port === 'gateway' ? `${gatewayPort}` : '0',
    DOWNBEAT_MODE: 'development',
    LOG_LEVEL: logLevel,
  };
}

/** Keys that somebody set are theirs: this is how a key is changed. */
function configurationKey(
  { configurationKeyFile }: Addresses,
  { DOWNBEAT_CONFIG_KEY: keys, DOWNBEAT_CONFIG_KEY_FILE: file }: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  if (keys) return { DOWNBEAT_CONFIG_KEY: keys };
  return { DOWNBEAT_CONFIG_KEY_FILE: file || configurationKeyFile };
}
