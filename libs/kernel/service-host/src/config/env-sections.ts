import { CONTEXTS } from '@downbeat/event-store';
import { z } from 'zod';
import type { EnvSection } from './env-example';
import { contextConfig, hostConfig } from './host-config';
import { databaseConfig } from './migrate-config';

/** All settings that processes of the suite read through this library. */
export const envSections: readonly EnvSection[] = [
  { title: 'every process', settings: hostConfig },
  {
    title: 'the database of each context a process runs; <KEY>_FILE names a file with the value',
    settings: z.object(Object.assign({}, ...CONTEXTS.map((one) => contextConfig(one).shape))),
  },
  { title: 'migrations only', settings: databaseConfig },
];
