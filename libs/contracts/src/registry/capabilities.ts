import { validRange } from 'semver';
import { z } from 'zod';
import * as f from '../fields';

/** What a service can do for others. Without a version it has that of whoever is called: each instance its own. */
export const capability = z.union([f.name, z.strictObject({ name: f.name, version: f.version })]);
export type SaidCapability = z.output<typeof capability>;

export const capabilities = z
  .array(capability)
  .max(100)
  .superRefine(f.noneTwice((one: SaidCapability) => (typeof one === 'string' ? one : one.name)));

/** Which versions will do, as npm writes it: `^1.2.0`, `>=2 <4`, `1.x`. */
export const versionRange = z
  .string()
  .min(1)
  .max(200)
  .refine(
    (range) => validRange(range) !== null,
    'must be a range of versions such as ^1.2.0 or >=2 <4',
  );
