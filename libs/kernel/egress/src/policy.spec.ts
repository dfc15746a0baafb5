import { egressPolicy, isRefusal, judgeAddress, judgeUrl } from './policy';

const production = egressPolicy({ mode: 'production' });
const development = egressPolicy({ mode: 'development' });
const inCluster = egressPolicy({
  mode: 'production',
  allowedCidrs: [
    '10.20.0.0/15',
    'fd12:3400::/22',
    '64:ff9b::/96',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '0.0.0.0/0',
    '::/0',
  ],
});

const codeOf = (policy: typeof production, url: string) => {
  const judged = judgeUrl(policy, url);
  return isRefusal(judged) ? judged.code : 'allowed';
};

describe('a URL', () => {
  it.each([
    ['http://example.com/health', 'http://example.com', '/health'],
    ['https://example.com', 'https://example.com', '/'],
    ['https://EXAMPLE.com:8443/a/../b?c=d#e', 'https://example.com:8443', '/b?c=d'],
    ['http://93.184.215.14:8080/', 'http://93.184.215.14:8080', '/'],
    ['http://[2606:4700::1111]/', 'http://[2606:4700::1111]', '/'],
  ])('%s may be called', (url, origin, path) =>
    expect(judgeUrl(production, url)).toEqual({ origin, path }),
  );

  it.each([
    ['ftp://example.com/', 'scheme-refused', 'url.scheme'],
    ['file:///etc/passwd', 'scheme-refused', 'url.scheme'],
    ['gopher://example.com:70/', 'scheme-refused', 'url.scheme'],
    ['data:text/plain,hello', 'scheme-refused', 'url.scheme'],
    ['unix:/var/run/docker.sock', 'scheme-refused', 'url.scheme'],
    ['http://user@example.com/', 'userinfo-refused', 'url.userinfo'],
    ['http://user:secret@example.com/', 'userinfo-refused', 'url.userinfo'],
    ['http://example.com:22/', 'port-refused', 'url.port'],
    ['http://example.com:6553/', 'allowed', undefined],
    ['https://example.com:25/', 'port-refused', 'url.port'],
    ['http://example.com:0/', 'port-refused', 'url.port'],
    ['http://exa\nmple.com/', 'url-malformed', 'url'],
    ['http:\\\\example.com/', 'url-malformed', 'url'],
    [' http://example.com/', 'url-malformed', 'url'],
    ['http://example.com/a b', 'url-malformed', 'url'],
    ['/health', 'url-malformed', 'url'],
    ['', 'url-malformed', 'url'],
    [`http://example.com/${'a'.repeat(2_048)}`, 'url-malformed', 'url'],
    ['http://[fe80::1%25eth0]/', 'url-malformed', 'url'],
    ['http://256.1.1.1/', 'url-malformed', 'url'],
  ])('%j is judged %s', (url, code, field) => {
    const judged = judgeUrl(production, url);
    expect(isRefusal(judged) ? judged : { code: 'allowed' }).toMatchObject(
      field === undefined ? { code } : { code, field },
    );
  });

  it('may name the ports of the list only', () => {
    const narrow = egressPolicy({ mode: 'production', allowedPorts: ['443', '8000-8009'] });
    const codes = [80, 443, 7_999, 8_000, 8_009, 8_010].map((port) =>
      codeOf(narrow, `https://example.com:${port}/`),
    );
    expect(codes).toEqual([
      'port-refused',
      'allowed',
      'port-refused',
      'allowed',
      'allowed',
      'port-refused',
    ]);
  });
});

describe('an address', () => {
  const refused = (policy: typeof production, address: string) =>
    judgeAddress(policy, address) !== undefined;

  it.each(['127.0.0.1', '127.255.255.254', '::1'])('%s is for development alone', (address) => {
    expect(refused(production, address)).toBe(true);
    expect(refused(inCluster, address)).toBe(true);
    expect(refused(development, address)).toBe(false);
  });

  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '::',
    '169.254.169.254',
    '169.254.1.1',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fe80::1',
    'febf::1',
    'fec0::1',
    '224.0.0.1',
    '239.255.255.255',
    'ff02::1',
    '240.0.0.1',
    '255.255.255.255',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '2001:db8::1',
    '::ffff:8.8.8.8',
    '::ffff:127.0.0.1',
    '::ffff:0:127.0.0.1',
    '::8.8.8.8',
    '::127.0.0.1',
    '2002:7f00:1::',
    '2002:808:808::1',
    '2001::1',
    '64:ff9b:1::7f00:1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::192.168.0.1',
    '100::1',
    '3fff::1',
    '5f00::1',
    'fe80::1%eth0',
    'localhost',
    '',
    '1.2.3',
  ])('%s is opened by nothing', (address) => {
    for (const policy of [production, development]) expect(refused(policy, address)).toBe(true);
    // 0.0.0.0/0 opens 192.168.0.1 and so its translation too.
    expect(refused(inCluster, address)).toBe(address !== '64:ff9b::192.168.0.1');
  });

  it.each(['10.20.0.1', '10.21.255.255', 'fd12:37ff::1', '64:ff9b::808:808'])(
    "%s is opened by the operator's list alone",
    (address) => {
      expect(refused(production, address)).toBe(true);
      expect(refused(development, address)).toBe(true);
      expect(refused(inCluster, address)).toBe(false);
    },
  );

  it('beyond the edge of an allowed block is refused', () => {
    const narrow = egressPolicy({
      mode: 'production',
      allowedCidrs: ['10.20.0.0/15', 'fd12:3400::/22'],
    });
    for (const address of ['10.19.255.255', '10.22.0.0', 'fd12:3bff::1', 'fd12:3800::'])
      expect(refused(narrow, address)).toBe(true);
    for (const address of ['10.20.0.0', '10.21.255.255', 'fd12:37ff:ffff::'])
      expect(refused(narrow, address)).toBe(false);
  });

  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.0',
    '100.63.255.255',
    '2606:4700::1111',
    '2001:4860:4860::8888',
  ])('%s is a plain public one', (address) => expect(refused(production, address)).toBe(false));
});

describe('the settings', () => {
  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '::1/129',
    'ten/8',
    '10.0.0.0/-1',
    '10.0.0/8',
    'fe80::1%a/64',
  ])('refuse the block %s', (cidr) =>
    expect(() => egressPolicy({ mode: 'production', allowedCidrs: [cidr] })).toThrow(cidr),
  );

  it.each(['0', '65536', '90-80', 'http', '80,443', ''])('refuse the ports %j', (ports) =>
    expect(() => egressPolicy({ mode: 'production', allowedPorts: [ports] })).toThrow(ports),
  );
});
