import { assertSendable, contextOf, covers, Subjects } from './subjects';

describe('subjects', () => {
  it('have the prefix on the server and not in the suite', () => {
    const subjects = new Subjects('t7f3');
    expect(subjects.physical('command.registry.>')).toBe('t7f3.command.registry.>');
    expect(subjects.logical('t7f3.command.registry.Do.x')).toBe('command.registry.Do.x');
    expect(subjects.nameOf('command-registry')).toBe('t7f3-command-registry');
  });

  it('stay as they are without a prefix', () => {
    const subjects = new Subjects('');
    expect(subjects.physical('a.b')).toBe('a.b');
    expect(subjects.logical('a.b')).toBe('a.b');
    expect(subjects.nameOf('retry')).toBe('retry');
  });

  it.each(['a.b', 'a b', '>', 'ä'])('refuse the prefix %j', (prefix) =>
    expect(() => new Subjects(prefix)).toThrow(RangeError),
  );

  it.each(['', '.', 'a.', '.a', 'a..b', 'a.*', 'a.>', 'a b', 'a\r\nb', 'a\u0000', 'x'.repeat(600)])(
    'cannot be sent to %j',
    (subject) => expect(() => assertSendable(subject)).toThrow('not a subject'),
  );

  it.each(['a', 'command.registry.RegisterService.billing', 'command.saga.Start.ü-1_2/3'])(
    'can be sent to %j',
    (subject) => expect(() => assertSendable(subject)).not.toThrow(),
  );

  it('name their context', () => {
    expect(contextOf('command.registry.>')).toBe('registry');
    for (const none of ['command', 'command.*.x', 'command.>', ''])
      expect(() => contextOf(none)).toThrow('not a subject');
  });

  it.each([
    ['a.>', 'a.b', true],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['a.*.c', 'a.b.c', true],
    ['a.*', 'a.b.c', false],
    ['a.b', 'a.b', true],
    ['a.b', 'a.b.c', false],
    ['a.b.c', 'a.b', false],
  ])('%s covers %s: %s', (filter, subject, expected) =>
    expect(covers(filter, subject)).toBe(expected),
  );
});
