import { join } from 'node:path';

/** The repository's folder. */
export const WORKSPACE = join(__dirname, '..', '..', '..');
