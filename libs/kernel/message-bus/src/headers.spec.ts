import { cloudEventHeaders, withoutFirstCopyOnly } from './headers';
import { natsHeaders } from './nats/wire';
import { idAsSent } from './service-messages';

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

  it('are as they were otherwise, however long', () => {
    const values = { 'X-A': 'two  blanks\tand a tab', 'X-B': 'ü'.repeat(5_000) };
    expect([...natsHeaders(values)]).toEqual(
      Object.entries(values).map(([name, value]) => [name, [value]]),
    );
  });

  it('of a dead letter of a service name the message as its sender did', () => {
    const headers = { 'Downbeat-Message-Id': 'a  b', 'Nats-Msg-Id': 'c' };
    const letter = { subject: 'message.low.paid', message_id: 'a b', headers };
    expect(idAsSent(letter)).toBe('a  b');
    expect(idAsSent({ ...letter, headers: { 'Nats-Msg-Id': 'c' } })).toBe('c');
    expect(idAsSent({ ...letter, headers: {} })).toBe('a b');
    expect(idAsSent({ ...letter, subject: 'command.registry.A.b' })).toBe('a b');
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
