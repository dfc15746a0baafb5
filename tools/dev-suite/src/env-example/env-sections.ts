import { AuditModule } from '@downbeat/audit-service';
import { HealthModule } from '@downbeat/health-service';
import { MessagingModule } from '@downbeat/messaging-service';
import { ObservabilityModule } from '@downbeat/observability-service';
import { RegistryModule } from '@downbeat/registry-service';
import { SagaModule } from '@downbeat/saga-service';
import {
  databaseConfig,
  hostConfig,
  settingsOf,
  tracingConfig,
  type EnvSection,
} from '@downbeat/service-host';
import { z } from 'zod';
import { suiteSettings } from '../settings';

/** A module says itself what it reads, so a context's new setting needs no line here. */
const CONTEXTS = {
  registry: RegistryModule,
  health: HealthModule,
  saga: SagaModule,
  messaging: MessagingModule,
  observability: ObservabilityModule,
  audit: AuditModule,
};

/** Read by scripts that run without a build, and by the demo, which is no part of the suite. */
const outsideOfTheSuite = z.object({
  GATEWAY_URL: z
    .url()
    .optional()
    .describe('Where a service of the demo registers itself; without it, it runs alone'),
  DOWNBEAT_SECRETS_DIR: z
    .string()
    .default('/secrets')
    .describe('Where deploy/secrets.mjs finds the volumes of those who get passwords'),
});

const merged = (schemas: readonly z.ZodObject[]): z.ZodObject =>
  z.object(Object.assign({}, ...schemas.map(({ shape }) => shape)));

/** Every setting that the product reads from its environment. */
export const envSections: readonly EnvSection[] = [
  {
    title: 'npm start, which makes addresses and database roles of its processes itself',
    settings: suiteSettings,
  },
  { title: 'every process; <KEY>_FILE names a file with the value of <KEY>', settings: hostConfig },
  {
    title: 'traces of every process, with an endpoint only',
    settings: tracingConfig,
  },
  ...Object.entries(CONTEXTS).map(([context, module]) => ({
    title: `processes that run the ${context} context`,
    settings: merged(settingsOf(module)),
  })),
  { title: 'migrations only', settings: databaseConfig },
  { title: 'containers and the demo', settings: outsideOfTheSuite },
];
