import { done, retry, type Delivery } from '@downbeat/message-bus';
import { toldCommands, toldPublications } from './told';

describe('commands that are told of', () => {
  const delivery = {
    subject: 'command.registry.RegisterService.billing',
    id: 'c-1',
    actor: 'ops',
    body: { password: 'hunter2' },
  } as unknown as Delivery;
  const lines: [object, string][] = [];
  const tell = (facts: object, message: string): void => void lines.push([facts, message]);
  beforeEach(() => (lines.length = 0));

  it('are handled as they are when nobody wants to know', () => {
    const handle = () => Promise.resolve(done());
    expect(toldCommands(handle, undefined)).toBe(handle);
  });

  it('are told by subject, id and what became of them, never by what stands in them', async () => {
    const problem = { code: 'service-unknown', message: 'no', kind: 'not-found' } as const;
    const answers = [
      done({ accepted: true, position: 7 as never, answer: { token: 'hunter2' }, repeated: false }),
      done({ accepted: false, problem }),
      retry('the database is away'),
    ];
    for (const answer of answers)
      expect(await toldCommands(() => Promise.resolve(answer), tell)(delivery)).toBe(answer);
    expect(lines).toHaveLength(6);
    expect(lines[1]).toEqual([
      expect.objectContaining({ subject: delivery.subject, accepted: true, position: 7 }),
      'a command is settled',
    ]);
    expect(lines[3]?.[0]).toMatchObject({ accepted: false, code: 'service-unknown' });
    expect(lines[5]?.[0]).toMatchObject({ outcome: 'retry', reason: 'the database is away' });
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('that break are told of, and break', async () => {
    const fault = Object.assign(new Error('a bug'), { detail: 'of the row hunter2' });
    const handle = toldCommands(() => Promise.reject(fault), tell);
    await expect(handle(delivery)).rejects.toBe(fault);
    expect(lines[1]).toMatchObject([
      { command_id: 'c-1', reason: 'Error: a bug' },
      'a command broke',
    ]);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });
});

describe('publications that are told of', () => {
  it('are sent first', async () => {
    const lines: object[] = [];
    const transport = {
      ensureStream: () => Promise.reject(new Error('not asked')),
      onReconnected: () => () => undefined,
      publish: () => (lines.push({ sent: true }), Promise.resolve(9)),
    };
    const told = toldPublications(transport, (facts) => lines.push(facts));
    const sent = [3, 4].map((number) => ({ number, name: 'ServiceRegistered' }));
    expect(await told.publish(sent as never, 0)).toBe(9);
    expect(lines).toEqual([
      { sent: true },
      expect.objectContaining({ first: 3, last: 4, names: ['ServiceRegistered'], sequence: 9 }),
    ]);
  });
});
