import { contains, parseCidr, parseIpAddress, type CidrBlock, type IpAddress } from './ip-address';
import { specialRangeOf, translatedIpv4 } from './special-ranges';

const URL_LENGTH_MAX = 2_048;

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Which addresses may be called. Plain data; made by {@link egressPolicy}. */
export interface EgressPolicy {
  /** True in development mode only. */
  readonly isLoopbackAllowed: boolean;
  /** Blocks that open private ranges; nothing opens loopback, link-local, metadata or multicast. */
  readonly allowedBlocks: readonly CidrBlock[];
  readonly allowedPorts: readonly PortRange[];
}

export interface EgressSettings {
  readonly mode: 'development' | 'production';
  /** `10.20.0.0/16`, `fd12::/16`. Default: none. */
  readonly allowedCidrs?: readonly string[];
  /** `443`, `8000-8999`. Default: 80, 443 and 1024-65535. */
  readonly allowedPorts?: readonly string[];
}

export type RefusalCode =
  | 'url-malformed'
  | 'scheme-refused'
  | 'userinfo-refused'
  | 'port-refused'
  | 'address-refused'
  | 'header-refused';

/** Why something is not called. */
export interface Refusal {
  readonly code: RefusalCode;
  /** The part that is wrong: `url`, `url.port`, `headers.host`. */
  readonly field: string;
  /** One sentence for the person who named the URL. */
  readonly reason: string;
}

/** A URL that may be called, once the addresses its name resolves to are found to be allowed too. */
export interface CheckedUrl {
  /** `https://example.com:8443`, normalised. */
  readonly origin: string;
  /** Path and query; begins with a slash. */
  readonly path: string;
}

/** @throws {RangeError} A block or port is not written as one; the message names it. */
export const egressPolicy = (settings: EgressSettings): EgressPolicy => ({
  isLoopbackAllowed: settings.mode === 'development',
  allowedBlocks: (settings.allowedCidrs ?? []).map(readBlock),
  allowedPorts: (settings.allowedPorts ?? ['80', '443', '1024-65535']).map(readPorts),
});

function readBlock(text: string): CidrBlock {
  const block = parseCidr(text);
  if (!block) throw new RangeError(`"${text}" is not a block of addresses such as 10.20.0.0/16`);
  return block;
}

function readPorts(text: string): PortRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!match || first < 1 || last > 65_535 || first > last)
    throw new RangeError(`"${text}" is not a port or a range of ports such as 8000-8999`);
  return { first, last };
}

/** Judges everything about a URL that can be known without a resolver. */
export function judgeUrl(policy: EgressPolicy, text: string): CheckedUrl | Refusal {
  // The parser would drop line breaks and turn backslashes; other parsers would not.
  if (text.length > URL_LENGTH_MAX || /[\u0000-\u0020\u007f\\]/.test(text))
    return refusal('url-malformed', 'url', 'the URL is too long or holds characters it may not');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) return refusal('url-malformed', 'url', 'the URL cannot be read');
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return refusal('scheme-refused', 'url.scheme', 'only http and https can be called');
  if (url.username !== '' || url.password !== '')
    return refusal('userinfo-refused', 'url.userinfo', 'the URL must not name a user or password');
  const port = portOf(url);
  if (!policy.allowedPorts.some(({ first, last }) => port >= first && port <= last))
    return refusal('port-refused', 'url.port', `port ${port} is not among the allowed ports`);
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const address = parseIpAddress(host);
  const refused = address && judge(policy, address, host);
  return refused ?? { origin: url.origin, path: url.pathname + url.search };
}

const portOf = (url: URL): number => {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
};

/** Judges an address that a name was resolved to, or that a connection was made to. */
export function judgeAddress(policy: EgressPolicy, text: string): Refusal | undefined {
  const address = parseIpAddress(text);
  return address
    ? judge(policy, address, text)
    : refusal('address-refused', 'url.host', `${text} is not an address that can be judged`);
}

function judge(policy: EgressPolicy, address: IpAddress, text: string): Refusal | undefined {
  const range = specialRangeOf(address);
  const isOpen = ((): boolean => {
    switch (range?.openedBy) {
      case undefined:
        return true;
      case 'nothing':
        return false;
      case 'development':
        return policy.isLoopbackAllowed;
      case 'allow-list':
        return policy.allowedBlocks.some((block) => contains(block, address));
    }
  })();
  if (!isOpen)
    return refusal(
      'address-refused',
      'url.host',
      `${text} is ${range?.meaning}, which is not allowed`,
    );
  const behind = translatedIpv4(address);
  return behind && judge(policy, behind, `${behind.join('.')} behind ${text}`);
}

export const isRefusal = (judged: CheckedUrl | Refusal): judged is Refusal => 'code' in judged;

export const refusal = (code: RefusalCode, field: string, reason: string): Refusal => ({
  code,
  field,
  reason,
});
