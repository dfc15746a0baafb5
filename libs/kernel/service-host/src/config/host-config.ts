import { registryContract } from '@downbeat/contracts';
import { z } from 'zod';
import { DEBUG_NAMES_SAID, namingNothing } from '../debugging/debug-names';

const port = z.coerce.number().int().min(0).max(65_535);
const duration = z.coerce.number().int().min(1).max(3_600_000);

const path = z.string().min(1).max(4_096).optional();

const natsUrl = z.url({ protocol: /^(nats|tls)$/ });

/** What every process of the suite is told by its environment. Durations in milliseconds. */
export const hostConfig = z.object({
  HOST: z.string().default('127.0.0.1').describe('Address to listen on'),
  PORT: port.default(0).describe('Port to listen on; 0 takes a free one'),
  NATS_URL: z
    .string()
    .refine((urls) => urls.split(',').every((one) => natsUrl.safeParse(one.trim()).success), {
      message: 'must be nats:// or tls:// URLs, joined by commas',
    })
    .describe('The NATS server, or servers joined by commas; user and password may stand in it'),
  NATS_CA_FILE: path.describe('PEM with the authorities to trust for NATS instead of the system’s'),
  NATS_CERT_FILE: path.describe('PEM with the certificate to show to NATS; with NATS_KEY_FILE'),
  NATS_KEY_FILE: path.describe('PEM with the key of that certificate'),
  NATS_CREDS_FILE: path.describe('JWT and seed of the NATS user, as nsc writes them'),
  NATS_NKEY_FILE: path.describe('Seed of the nkey of the NATS user'),
  NATS_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,32}$/)
    .default('')
    .describe('Put before every subject and stream, so that suites can share a server'),
  DOWNBEAT_MODE: z
    .enum(['development', 'production'])
    .default('production')
    .describe('development allows calls to addresses of this machine'),
  DOWNBEAT_ALLOWED_CIDRS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((cidr) => cidr.trim())
        .filter(Boolean),
    )
    .describe('Private networks that services may be called in, comma separated'),
  DOWNBEAT_ZONE: registryContract.registerInstance.data.shape.zone.describe(
    'Zone that this process runs in; services are called in the same zone first',
  ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('What is less severe than this is not logged'),
  DEBUG: z
    .string()
    .max(1_000)
    .default('')
    .superRefine((text, check) => {
      for (const pattern of namingNothing(text))
        check.addIssue({
          code: 'custom',
          message: `${pattern} names none of ${DEBUG_NAMES_SAID}`,
        });
    })
    .describe(
      'What is told of in debug lines whatever LOG_LEVEL says: downbeat:registry, downbeat:*:commands',
    ),
  LOG_NAME: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,30}$/)
    .default('log')
    .describe('Schema of the log'),
  COMMAND_ANSWERS_KEPT_DAYS: z.coerce
    .number()
    .min(1)
    .max(3_650)
    .default(30)
    .describe('For so long a command sent again under its id gets the answer it got before'),
  READ_MODELS_PAST_HOURS: z.coerce
    .number()
    .min(0)
    .max(8_760)
    .default(24)
    .describe('For so long rows of views are kept as they were; older moments are built again'),
  SHUTDOWN_TIMEOUT_MS: duration.default(8_000).describe('After this a process ends, come what may'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url()
    .optional()
    .describe('Where traces go; tracing is off without it'),
});
export type HostConfig = z.output<typeof hostConfig>;

/** The database of one context, as the role of that context. */
export const contextConfig = (context: string) =>
  z.object({
    [`DATABASE_URL_${context.toUpperCase()}`]: z
      .url({ protocol: /^postgres(ql)?$/ })
      .describe(`Postgres, as the role of the ${context} context`),
  });
