/**
 * The system's name for what went wrong: ENOENT, EACCES. Does not ask for `instanceof Error`: under
 * a test runner Node's own errors come from another realm.
 */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
