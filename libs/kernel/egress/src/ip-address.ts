import { isIPv4, isIPv6 } from 'node:net';

/** An address as its bytes: 4 of them for IPv4, 16 for IPv6. */
export type IpAddress = readonly number[];

/** A block of addresses: those that share the first `prefixLength` bits with `address`. */
export interface CidrBlock {
  readonly address: IpAddress;
  readonly prefixLength: number;
}

/**
 * Reads an address in its usual notation (`10.0.0.7`, `2001:db8::1`, `::ffff:10.0.0.7`).
 *
 * @returns Undefined for everything else, also for an address with a zone (`fe80::1%eth0`).
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return text.split('.').map(Number);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = text.split('::');
  const front = groups(head);
  if (tail === undefined) return front;
  const back = groups(tail);
  return [...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back];
}

/** The bytes of colon-separated groups, the last of which may be an IPv4 address. */
const groups = (text: string): number[] =>
  text === ''
    ? []
    : text.split(':').flatMap((group) => {
        if (group.includes('.')) return group.split('.').map(Number);
        const value = Number.parseInt(group, 16);
        return [value >> 8, value & 0xff];
      });

/** @returns Undefined when `text` is not `<address>/<prefix length>`. */
export function parseCidr(text: string): CidrBlock | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match?.[1] === undefined ? undefined : parseIpAddress(match[1]);
  const prefixLength = Number(match?.[2]);
  if (!address || prefixLength > address.length * 8) return undefined;
  return { address, prefixLength };
}

export function contains(block: CidrBlock, address: IpAddress): boolean {
  if (address.length !== block.address.length) return false;
  const wholeBytes = block.prefixLength >> 3;
  for (let index = 0; index < wholeBytes; index++)
    if (address[index] !== block.address[index]) return false;
  const bitsLeft = block.prefixLength & 7;
  if (bitsLeft === 0) return true;
  const mask = 0xff << (8 - bitsLeft);
  return ((address[wholeBytes] ?? 0) & mask) === ((block.address[wholeBytes] ?? 0) & mask);
}
