import { redactedSpans } from './redacted-spans';
import { someSpan } from './testing/some-span';

it('secrets are left out of resources, spans and their events, and nothing else is changed', () => {
  const { service_name, ...span } = someSpan(1);
  const secret = { 'http.request.header.authorization': 'Bearer x', 'url.full': 'http://a/?t=x' };
  const clean = {
    'http.request.header.authorization': '[redacted]',
    'url.full': 'http://a/',
  };
  const logs = (tags: Record<string, string>) => [{ at_us: span.start_us, name: 'sent', tags }];
  const plain = { service_name, spans: [{ ...span, tags: { route: '/' } }] };
  expect(
    redactedSpans([
      plain,
      { service_name, tags: secret, spans: [{ ...span, tags: secret, logs: logs(secret) }] },
    ]),
  ).toEqual([
    plain,
    { service_name, tags: clean, spans: [{ ...span, tags: clean, logs: logs(clean) }] },
  ]);
});
