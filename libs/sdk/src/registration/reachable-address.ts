import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

const EVERYWHERE: readonly string[] = ['0.0.0.0', '::'];

/**
 * An address by which others reach who listens on `host`: that itself, and for all addresses the first
 * one that is not this machine's own, IPv4 before IPv6.
 */
export function reachableAddress(host: string): string {
  if (host === 'localhost') return '127.0.0.1';
  if (!EVERYWHERE.includes(host)) return isIP(host) === 0 ? '127.0.0.1' : host;
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const outside = all.filter(({ internal }) => !internal);
  const found = outside.find(({ family }) => family === 'IPv4') ?? outside[0];
  return found?.address ?? '127.0.0.1';
}
