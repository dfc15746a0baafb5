import { z } from 'zod';

/**
 * How far an instance has come. One that announces nothing is `registered`, and `running` once it is
 * healthy; one that does takes calls from when it says `running`. It goes forward only.
 */
export const lifecycle = z.enum([
  'registered',
  'initializing',
  'starting',
  'running',
  'stopping',
  'stopped',
  'failed',
]);
export type Lifecycle = z.output<typeof lifecycle>;
