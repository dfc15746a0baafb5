import { complaintOf, Complaints } from './complaints';

describe('what a log complains of', () => {
  it.each([
    ['{"level":"error","msg":"lost the bus"}', 'error'],
    ['{"level":"fatal","msg":"cannot go on"}', 'error'],
    ['{"level":"warn","msg":"slow"}', 'warning'],
    ['{"level":"info","msg":"ERROR: is only a word here"}', undefined],
    ['2026-01-01 00:00:00 UTC [7] FATAL:  the database system is starting up', 'error'],
    ['2026-01-01 00:00:00 UTC [7] WARNING:  you do not own a lock', 'warning'],
    ['2026-01-01 00:00:00 UTC [7] LOG:  checkpoint complete', undefined],
    ['[12] 2026/01/01 00:00:00.0 [ERR] no space', 'error'],
    ['[12] 2026/01/01 00:00:00.0 [WRN] slow consumer', 'warning'],
    [
      '[12] 2026/01/01 00:00:00.0 [WRN] Plaintext passwords detected, use nkeys or bcrypt',
      undefined,
    ],
    ['[12] 2026/01/01 00:00:00.0 [INF] Server is ready', undefined],
    ['TypeError: x is not a function', 'error'],
  ])('%s', (line, complaint) => expect(complaintOf(line)).toBe(complaint));

  it('becomes one line, and starts again from nothing', () => {
    const complaints = new Complaints();
    complaints.add('{"level":"error","msg":"first"}');
    complaints.add('{"level":"warn","msg":"second"}');
    complaints.add('{"level":"error","msg":"said \\"no\\""}');
    complaints.add('{"level":"info","msg":"fine"}');
    expect(complaints.digest()).toBe('2 errors, 1 warning, the last: said "no"');
    expect(complaints.digest()).toBeUndefined();
  });

  it('keeps the last words of a process that did not complain', () => {
    const complaints = new Complaints();
    expect(complaints.lastWords()).toBe('it said nothing');
    complaints.add('usage: main.js <name>');
    expect(complaints.lastWords()).toBe('usage: main.js <name>');
  });
});
