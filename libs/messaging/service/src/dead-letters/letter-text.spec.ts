import { Rejection } from '@downbeat/eventsourcing';
import { checked, rewritten, textDiff, type LetterText, type Wanted } from './letter-text';

const subject = 'command.registry.RegisterService.billing';
const came: LetterText = {
  subject,
  headers: { 'Downbeat-Actor': 'ann', 'Nats-Msg-Id': 'm', traceparent: 't' },
  body: Buffer.from('{"service_version":"1.0"}'),
};
const good = {
  ...{ service_version: '1.4.0', service_type: 'api', deployment_environment: 'staging' },
  dependencies: [],
};
const fieldOf = (wanted: Wanted, now = came): string | undefined => {
  const text = rewritten(now, wanted);
  return text instanceof Rejection ? text.errors[0]?.field : undefined;
};
const withBody = (body: string | Buffer, to = subject): LetterText => ({
  ...came,
  subject: to,
  body: Buffer.from(body),
});

describe('a text that is written instead of a letter', () => {
  it('keeps what is not given', () => expect(rewritten(came, {})).toEqual(came));

  it('has the body that is given, as text or as JSON', () => {
    expect(rewritten(came, { body: '{"a": 1}' })).toMatchObject({ body: Buffer.from('{"a": 1}') });
    expect(rewritten(came, { body_json: { a: 1 } })).toMatchObject({
      body: Buffer.from('{"a":1}'),
    });
    expect(fieldOf({ body: '', body_json: null })).toBe('body_json');
  });

  it('keeps the headers by which the message is known', () => {
    expect(rewritten(came, { headers: { tenant: 'a' } })).toMatchObject({
      headers: { tenant: 'a', 'Downbeat-Actor': 'ann', 'Nats-Msg-Id': 'm' },
    });
    for (const name of ['Nats-Msg-Id', 'nats-expected-stream', 'Downbeat-Actor', 'a b', '', 'é'])
      expect(fieldOf({ headers: { [name]: 'x' } })).toBe(`headers.${name}`);
    expect(fieldOf({ headers: { tenant: 'a\r\nNats-Msg-Id: x' } })).toBe('headers.tenant');
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`h${n}`, 'x']));
    expect(fieldOf({ headers: many })).toBe('headers');
  });

  it.each([
    'command.health.ReportHealth.x',
    'command.registry.>',
    'command.registry.*.x',
    'command.registry.RegisterService',
    'message.low.paid',
    'event.registry.X.y',
    'command.registry.RegisterService. ',
    '$JS.API.STREAM.PURGE.retry',
  ])('does not go to %s', (wanted) => expect(fieldOf({ subject: wanted })).toBe('subject'));

  it('may go to another command of its context, and to another priority of its topic', () => {
    expect(fieldOf({ subject: 'command.registry.UpdateService.billing' })).toBeUndefined();
    const message = { ...came, subject: 'message.low.paid' };
    expect(fieldOf({ subject: 'message.high.paid' }, message)).toBeUndefined();
    expect(fieldOf({ subject: 'message.high.other' }, message)).toBe('subject');
    expect(fieldOf({ subject: 'message.redriven.paid' }, message)).toBe('subject');
  });
});

describe('the check of a text', () => {
  const faults = (body: string | Buffer, to?: string) =>
    checked(withBody(body, to)).faults.map(({ field }) => field);

  it('is that of the contract its subject names', () => {
    expect(checked(withBody(JSON.stringify(good)))).toEqual({
      ...{ schema: 'RegisterService', faults: [] },
    });
    expect(faults('{}')).toEqual(expect.arrayContaining(['service_version']));
    expect(faults(JSON.stringify({ ...good, odd: 1 }))).toEqual(['odd']);
    expect(faults(JSON.stringify({ ...good, command_id: 'c' }))).toEqual([]);
    expect(faults(JSON.stringify({ ...good, service_id: 'other' }))).toEqual(['service_id']);
  });

  it.each([
    ['{', 'body'],
    ['[]', 'body'],
    ['null', 'body'],
    [Buffer.from([0xff, 0xfe]), 'body'],
    ['{"__proto__": {}}', '__proto__'],
    ['{"a": 1, "a": 2}', 'a'],
    [`{"a": ${'['.repeat(500)}${']'.repeat(500)}}`, expect.stringMatching(/^(body|a)/)],
  ])('says what is wrong with %s', (body, field) => expect(faults(body)[0]).toEqual(field));

  it('knows no schema of topics, and no command that is not there', () => {
    expect(checked(withBody('x', 'message.low.paid'))).toEqual({ schema: 'unknown', faults: [] });
    expect(checked(withBody('{}', 'command.registry.Nothing.x'))).toMatchObject({
      ...{ schema: 'unknown', faults: [{ field: 'subject' }] },
    });
    expect(checked(withBody('{}', 'command.__proto__.X.x')).schema).toBe('unknown');
  });
});

describe('what differs', () => {
  it('is named by place, without any value', () => {
    const after = rewritten(came, { body_json: good, headers: {} }) as LetterText;
    const diff = textDiff(came, after);
    expect(diff).toEqual({
      added: ['/body/service_type', '/body/deployment_environment', '/body/dependencies'],
      removed: ['/headers/traceparent'],
      changed: ['/body/service_version'],
      is_cut: false,
    });
  });
});
