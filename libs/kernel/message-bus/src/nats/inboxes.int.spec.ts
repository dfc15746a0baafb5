import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats, type RunningNats } from '@downbeat/local-servers';
import { eventually } from '@downbeat/local-servers/testing';
import { NatsBench } from '../testing/nats-bench';
import { NatsMessageBus } from './nats-message-bus';

describe('the inboxes of a bus', () => {
  let server: RunningNats;
  let bench: NatsBench;
  const dataDir = mkdtempSync(join(tmpdir(), 'downbeat-inboxes-'));
  beforeAll(async () => {
    // A server that knows nobody lets everybody in under any name.
    server = await startNats({ dataDir, tellsSessions: false });
    bench = await NatsBench.start(server.url);
  });
  afterAll(async () => {
    await bench?.stop();
    await server?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** Where an answer to a question by this user arrives. */
  const answeredAt = async (userInfo: string): Promise<string> => {
    const bus = await NatsMessageBus.connect({
      url: server.url.replace('//', `//${userInfo}`),
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
