/** Whether a target failed because it has too much to do: it took too long, or said so (429, 503). */
export function isOverload(failure: unknown): boolean {
  if (typeof failure !== 'object' || failure === null) return false;
  if ('code' in failure && failure.code === 'resilience/timed-out') return true;
  return 'status' in failure && (failure.status === 429 || failure.status === 503);
}
