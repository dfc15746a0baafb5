import { RequestHeldBack } from '../errors';
import { Subjects } from '../subjects';
import type { Connection } from './connection';
import { Requests } from './requests';

describe('a request to a service outside the suite', () => {
  let sent: string[];
  let mayGo: boolean;
  let whileNotReady: () => void;
  let requests: Requests;
  beforeEach(() => {
    [sent, mayGo, whileNotReady] = [[], true, () => undefined];
    const connection = {
      ready: async () => whileNotReady(),
      newCallInbox: () => '_INBOX_CALLS.saga.1',
      nats: {
        request: async (subject: string, _: string, { reply = '' }: { reply?: string }) => {
          sent.push(`${subject} ${reply}`);
          return { string: () => 'held', headers: undefined };
        },
      },
    };
    requests = new Requests(connection as unknown as Connection, new Subjects('x'));
  });
  const ask = () => requests.request('venue.hold', '{}', { timeoutMs: 100, maySend: () => mayGo });

  it('is sent while it may be', async () => {
    expect(await ask()).toMatchObject({ body: 'held' });
    expect(sent).toEqual([expect.stringMatching(/ _INBOX_CALLS\.saga\.1$/)]);
  });

  it('is not sent when it may not be any more by the time there is a connection', async () => {
    whileNotReady = () => (mayGo = false);
    await expect(ask()).rejects.toThrow(RequestHeldBack);
    expect(sent).toEqual([]);
  });
});
