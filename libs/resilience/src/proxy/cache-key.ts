import type { CachePolicy } from '../caching/cache-policy';
import { isSafe } from './call-plan';
import type { ProxyRequest } from './ports';

/** Answers to these are for one pair of eyes. @see RFC 9111, 3.5. */
const CREDENTIALS: readonly string[] = ['authorization', 'proxy-authorization', 'cookie'];

/**
 * What an answer is kept under: `<target> <method> <path>`, followed by what else it depends on, so that
 * `billing GET /invoices/` is the beginning of all that were read there. undefined: it is not to be kept.
 */
export function cacheKeyOf<Request extends ProxyRequest>(
  target: string,
  session: string | undefined,
  { key, vary = [] }: CachePolicy<Request, never>,
  request: Request,
): string | undefined {
  const own = key?.(request);
  if (key) return own === undefined ? undefined : `${target} ${own}`;
  const { method, path, headers = {} } = request;
  if (!isSafe(method)) return undefined;
  const held = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const),
  );
  if (CREDENTIALS.some((name) => held.has(name) && !vary.includes(name))) return undefined;
  const whole = `${target} ${method} ${path}`;
  if (session === undefined && vary.length === 0) return whole;
  return `${whole} ${JSON.stringify([session ?? null, ...vary.map((name) => held.get(name) ?? null)])}`;
}
