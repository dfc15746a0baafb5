import { cloudEventHeaders, withoutFirstCopyOnly } from './headers';
import { natsHeaders } from './nats/wire';

describe('headers', () => {
  it('hold no line breaks, whatever they are made of', () => {
    const values = cloudEventHeaders({
      id: 'a\r\nb',
      source: 's\nt',
      type: 't\u0000',
      time: 'now',
    });
    for (const value of Object.values(values)) expect(value).not.toMatch(/\p{Cc}/u);
    const made = natsHeaders({
      'X-A': 'one\r\nX-B: two',
      'bad name': 'x',
      'bad:name': 'x',
      '': 'x',
    });
    expect([...made]).toEqual([['X-A', ['one X-B: two']]]);
  });

  it('go out again without what was meant for the first copy', () => {
    expect(
      withoutFirstCopyOnly({
        'Nats-Msg-Id': 'x',
        'Nats-Expected-Stream': 'y',
        'nats-rollup': 'all',
        'Downbeat-Reply-To': '_INBOX.x',
        'Downbeat-Actor': 'ann',
        traceparent: 't',
      }),
    ).toEqual({ 'Downbeat-Actor': 'ann', traceparent: 't' });
  });
});
