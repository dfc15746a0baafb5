import { messagingContract } from '@downbeat/contracts';
import { z } from 'zod';
import { outgoing } from './outgoing';
import { publishLater } from './publish-later';
import { topic } from './topic';

const note = topic('note', z.object({ text: z.string() }));
const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

/** What goes to the suite, which accepts it. */
async function said(options: { messageId?: string; correlationId?: string; traceparent?: string }) {
  const asked: { body: string; headers: Readonly<Record<string, string>> }[] = [];
  const link = {
    request: (_subject: string, body: string, _ms: number, headers = {}) => {
      asked.push({ body, headers });
      return Promise.resolve({ body: JSON.stringify({ accepted: true, position: 1, answer: {} }) });
    },
  };
  const written = outgoing(note, { text: 'a' }, options, 'shop', undefined);
  const all = { ...options, delayMs: 1_000 };
  const { signal } = new AbortController();
  await publishLater(link as never, note, written, all, 'shop', signal);
  const [first] = asked;
  return { data: JSON.parse(first?.body ?? '') as object, headers: first?.headers ?? {} };
}

describe('a message to be sent later', () => {
  it('goes on with the trace of its sender', async () => {
    expect((await said({ traceparent: TRACE })).headers['traceparent']).toBe(TRACE);
    expect((await said({})).headers).not.toHaveProperty('traceparent');
  });

  it('may have any id that one sent now may have', async () => {
    const longest = { messageId: 'm'.repeat(150), correlationId: 'c'.repeat(150) };
    const { data } = await said(longest);
    const command = { queue_name: 'note', ...data };
    expect(messagingContract.sendMessage.data.safeParse(command).error).toBeUndefined();
  });
});
