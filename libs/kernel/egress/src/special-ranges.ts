import { contains, parseCidr, type CidrBlock, type IpAddress } from './ip-address';

/**
 * What a special range is opened by: nothing at all, development mode, or an entry of the
 * operator's list of allowed blocks.
 */
export type OpenedBy = 'nothing' | 'development' | 'allow-list';

export interface SpecialRange {
  readonly block: CidrBlock;
  /** As part of a sentence: `127.0.0.1 is a loopback address`. */
  readonly meaning: string;
  readonly openedBy: OpenedBy;
}

const range = (cidr: string, meaning: string, openedBy: OpenedBy = 'nothing'): SpecialRange => {
  const block = parseCidr(cidr);
  if (!block) throw new TypeError(`${cidr} is not a block of addresses`);
  return { block, meaning, openedBy };
};

const METADATA = "the address of a cloud's metadata service";

/**
 * Addresses that are not plain hosts of the public Internet, most specific first.
 *
 * @see IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890); the metadata addresses
 *      are those of AWS, Azure, Google, Oracle and Alibaba.
 */
const SPECIAL_RANGES: readonly SpecialRange[] = [
  range('169.254.169.254/32', METADATA),
  range('169.254.170.2/32', METADATA),
  range('100.100.100.200/32', METADATA),
  range('168.63.129.16/32', METADATA),
  range('192.0.0.192/32', METADATA),
  range('fd00:ec2::254/128', METADATA),
  range('fd20:ce::254/128', METADATA),
  range('127.0.0.0/8', 'a loopback address', 'development'),
  range('::1/128', 'a loopback address', 'development'),
  range('0.0.0.0/8', 'an unspecified address'),
  range('::/128', 'an unspecified address'),
  range('169.254.0.0/16', 'a link-local address'),
  range('fe80::/10', 'a link-local address'),
  range('10.0.0.0/8', 'a private address', 'allow-list'),
  range('172.16.0.0/12', 'a private address', 'allow-list'),
  range('192.168.0.0/16', 'a private address', 'allow-list'),
  range('100.64.0.0/10', 'a private address of a carrier', 'allow-list'),
  range('fc00::/7', 'a private address', 'allow-list'),
  range('fec0::/10', 'a site-local address'),
  range('192.0.0.0/24', 'an address for protocol assignments'),
  range('192.0.2.0/24', 'a documentation address'),
  range('192.31.196.0/24', 'an AS112 address'),
  range('192.52.193.0/24', 'an AMT address'),
  range('192.88.99.0/24', 'a 6to4 relay'),
  range('192.175.48.0/24', 'an AS112 address'),
  range('198.18.0.0/15', 'a benchmarking address'),
  range('198.51.100.0/24', 'a documentation address'),
  range('203.0.113.0/24', 'a documentation address'),
  range('224.0.0.0/4', 'a multicast address'),
  range('255.255.255.255/32', 'the broadcast address'),
  range('240.0.0.0/4', 'a reserved address'),
  range('ff00::/8', 'a multicast address'),
  range('::ffff:0:0/96', 'an IPv4-mapped address'),
  range('::ffff:0:0:0/96', 'an IPv4-translated address'),
  range('::/96', 'an IPv4-compatible address'),
  range('64:ff9b::/96', 'a NAT64 address', 'allow-list'),
  range('64:ff9b:1::/48', 'a local NAT64 address'),
  range('100::/64', 'a discard-only address'),
  range('2001::/23', 'an address for protocol assignments'),
  range('2001:db8::/32', 'a documentation address'),
  range('2002::/16', 'a 6to4 address'),
  range('3fff::/20', 'a documentation address'),
  range('5f00::/16', 'a segment routing address'),
];

/** @returns The first special range `address` lies in; undefined for a plain public address. */
export const specialRangeOf = (address: IpAddress): SpecialRange | undefined =>
  SPECIAL_RANGES.find(({ block }) => contains(block, address));

const NAT64 = range('64:ff9b::/96', 'a NAT64 address').block;

/** @returns The IPv4 address that a NAT64 translator would call (RFC 6052). */
export const translatedIpv4 = (address: IpAddress): IpAddress | undefined =>
  contains(NAT64, address) ? address.slice(12) : undefined;
