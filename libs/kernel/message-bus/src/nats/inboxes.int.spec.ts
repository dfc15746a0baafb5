import { eventually } from '@downbeat/local-servers/testing';
import { NatsBench } from '../testing/nats-bench';
import { NatsMessageBus } from './nats-message-bus';

describe('the inboxes of a bus', () => {
  let bench: NatsBench;
  beforeAll(async () => (bench = await NatsBench.start()));
  afterAll(() => bench.stop());

  /** Where an answer to a question by this user arrives. */
  const answeredAt = async (userInfo: string): Promise<string> => {
    const url = process.env['DOWNBEAT_TEST_NATS_URL'] ?? '';
    const bus = await NatsMessageBus.connect({
      url: url.replace('//', `//${userInfo}`),
      name: 'x',
    });
    const subject = `query.inboxes.${bench.prefix}`;
    const addresses: string[] = [];
    const responder = bench.client.subscribe(subject, {
      callback: (_, message) => {
        addresses.push(message.reply ?? '');
        message.respond('{"ok":true,"position":0,"data":{}}');
      },
    });
    try {
      await bench.client.flush();
      await bus.query(subject, {});
      await eventually(() => expect(addresses).toHaveLength(1));
      return addresses[0] ?? '';
    } finally {
      responder.unsubscribe();
      await bus.close();
    }
  };

  it('are below the name of its user, so that a server can keep others from hearing them', async () => {
    expect(await answeredAt('alice:secret@')).toMatch(/^_INBOX\.alice\.[^.]+\.[^.]+$/);
  });

  it.each(['', 'token@', 'a%20b:secret@', '%3E:secret@'])(
    'are where every client has them without a name that can stand in a subject: %j',
    async (userInfo) => {
      expect(await answeredAt(userInfo)).toMatch(/^_INBOX\.[^.]+\.[^.]+$/);
    },
  );
});
