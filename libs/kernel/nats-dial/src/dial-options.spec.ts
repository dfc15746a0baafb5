import { dialOptions } from './dial-options';
import { InvalidNatsAddress } from './nats-address';

const of = (url: string, more: object = {}) => dialOptions({ url, ...more });

describe('how NATS is dialled', () => {
  it('is what the URL says', () => {
    expect(of('nats://127.0.0.1:4222')).toEqual({
      servers: ['127.0.0.1:4222'],
      inboxPrefix: '_INBOX',
    });
    expect(of('nats://a:4222, b:4223')).toMatchObject({ servers: ['a:4222', 'b:4223'] });
    expect(of('nats://[::1]:4222')).toMatchObject({ servers: ['[::1]:4222'] });
  });

  it('as the user of the first URL, who hears answers of its own', () =>
    expect(of('nats://shop:p%2F%40@a,nats://b')).toEqual({
      ...{ servers: ['a', 'b'], user: 'shop', pass: 'p/@' },
      inboxPrefix: '_INBOX.shop',
    }));

  it('with a token, or a user whose name cannot stand in a subject, among everybody’s answers', () => {
    expect(of('nats://t0ken@a')).toEqual({
      ...{ servers: ['a'], token: 't0ken' },
      inboxPrefix: '_INBOX',
    });
    for (const user of ['a%20b', '%3E', 'a.b'])
      expect(of(`nats://${user}:secret@a`)).toMatchObject({ inboxPrefix: '_INBOX' });
    expect(of('nats://a', { inboxPrefix: '_INBOX_shop' })).toMatchObject({
      inboxPrefix: '_INBOX_shop',
    });
  });

  it.each([
    ['tls://a', {}, {}],
    ['nats://a,tls://b', {}, {}],
    ['nats://a', { caFile: '/ca' }, { caFile: '/ca' }],
    ['nats://a', { certFile: '/cert', keyFile: '/key' }, { certFile: '/cert', keyFile: '/key' }],
  ])('with TLS or not at all: %s %j', (url, files, tls) =>
    expect(of(url, files)).toMatchObject({ tls }),
  );

  it.each([
    ['http://a', {}],
    ['', {}],
    ['nats://', {}],
    ['nats://a,', {}],
    ['nats://canary%zz:x@a', {}],
    ['nats://user:canary%zz@a', {}],
    ['ws://user:canary@a', {}],
    ['nats://user:canary@a:99999', {}],
    ['nats://user:canary@a', { credsFile: '/c' }],
    ['nats://a', { credsFile: '/c', nkeyFile: '/n' }],
    ['nats://a', { certFile: '/c' }],
    ['nats://a', { keyFile: '/c' }],
    ['nats://a', { inboxPrefix: 'command.registry' }],
    ['nats://a', { inboxPrefix: '_INBOX.>' }],
  ])('not when it makes no sense, without saying a password: %s %j', (url, more) => {
    expect(() => of(url, more)).toThrow(InvalidNatsAddress);
    expect(() => of(url, more)).toThrow(/^(?!.*canary)/);
  });
});
