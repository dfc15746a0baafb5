import { addressOf, requestOf } from './check-request';

const at = { url: 'http://10.0.0.7:3000/health' };

describe('what is asked of an instance', () => {
  it('is its URL over HTTP while nothing else was said', () => {
    expect(requestOf({}, at)).toMatchObject({ kind: 'http', url: at.url });
  });

  it.each([
    ['http://10.0.0.7:3000/health', 'http://10.0.0.7:9090/health'],
    ['http://[fd00::7]:3000/health', 'http://[fd00::7]:9090/health'],
    ['http://10.0.0.7/health', 'http://10.0.0.7:9090/health'],
  ])('may be on another port: %s', (url, expected) =>
    expect(requestOf({ port: 9090 }, { url }).url).toBe(expected),
  );

  it.each([
    [{ kind: 'http' }, 'http://10.0.0.7:3000/health'],
    [{ kind: 'tcp' }, 'tcp://10.0.0.7:3000'],
    [{ kind: 'tcp', port: 5432 }, 'tcp://10.0.0.7:5432'],
    [{ kind: 'grpc' }, 'grpc://10.0.0.7:3000'],
    [{ kind: 'grpc', grpc_service: 'shop.Cart' }, 'grpc://10.0.0.7:3000/shop.Cart'],
    [{ kind: 'nats' }, 'nats: http://10.0.0.7:3000 named no subject'],
  ] as const)('%j is shown as %s', (asked, expected) =>
    expect(addressOf(requestOf(asked, at))).toBe(expected),
  );

  it('over NATS is shown with the subject that the instance named', () =>
    expect(addressOf(requestOf({ kind: 'nats' }, { ...at, subject: 'service.billing.1' }))).toBe(
      'nats:service.billing.1',
    ));
});
