import type { JetStreamManager } from 'nats';
import type { KeptEvidence } from '../evidence';
import { NatsBench } from '../testing/nats-bench';
import { OwnNatsServer } from '../testing/own-nats-server';
import type { NatsMessageBus } from './nats-message-bus';

const SUBJECT = 'evidence.audit.ChainHead.log';
const evidence = (n: number, subject = SUBJECT) => ({ subject, messageId: `${n}`, body: { n } });
const bodies = async (bus: NatsMessageBus): Promise<readonly unknown[]> => {
  const all: KeptEvidence[] = [];
  for await (const page of bus.evidence(SUBJECT)) all.push(...page);
  return all.map(({ body }) => body);
};

describe('evidence', () => {
  let bench: NatsBench;
  let bus: NatsMessageBus;
  let manager: JetStreamManager;
  const stream = () => `${bench.prefix}-evidence-audit`;
  beforeEach(async () => {
    bench = await NatsBench.start();
    bus = await bench.connect();
    manager = await bench.client.jetstreamManager();
  });
  afterEach(() => bench.stop());

  it('is not there before any was kept', async () => {
    expect(await bus.newestEvidence(SUBJECT)).toBeUndefined();
    expect(await bodies(bus)).toEqual([]);
    await bus.keepEvidence(evidence(1, 'evidence.audit.ChainHead.other'));
    expect(await bus.newestEvidence(SUBJECT)).toBeUndefined();
    expect(await bodies(bus)).toEqual([]);
  });

  it('is kept in its order, once for each id, and apart for each subject', async () => {
    for (const n of [1, 2, 2]) await bus.keepEvidence(evidence(n));
    await bus.keepEvidence(evidence(9, 'evidence.audit.ChainHead.other'));
    await bus.keepEvidence(evidence(3));
    expect(await bodies(bus)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(await bus.newestEvidence(SUBJECT)).toEqual({
      sequence: 4,
      keptAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      body: { n: 3 },
    });
  });

  it('is read in pages, whatever its number', async () => {
    await Promise.all(Array.from({ length: 2_050 }, (_, n) => bus.keepEvidence(evidence(n))));
    const sizes: number[] = [];
    for await (const page of bus.evidence(SUBJECT)) sizes.push(page.length);
    expect(sizes).toEqual([1_000, 1_000, 50]);
  });

  it('may be anything that somebody else wrote there', async () => {
    await bus.keepEvidence(evidence(1));
    await bench.client.jetstream().publish(bench.physical(SUBJECT), 'no JSON');
    expect(await bodies(bus)).toEqual([{ n: 1 }, undefined]);
  });

  it('cannot be taken out again, even by who may change the stream', async () => {
    await bus.keepEvidence(evidence(1));
    await expect(manager.streams.deleteMessage(stream(), 1)).rejects.toThrow(
      /not permitted|denied/,
    );
    await expect(manager.streams.purge(stream())).rejects.toThrow(/not permitted|denied/);
    await expect(
      manager.streams.update(stream(), { deny_delete: false, deny_purge: false }),
    ).rejects.toThrow(/deny/);
    expect(await bodies(bus)).toEqual([{ n: 1 }]);
  });

  it('goes with its stream, and begins anew', async () => {
    await bus.keepEvidence(evidence(1));
    await manager.streams.delete(stream());
    expect(await bus.newestEvidence(SUBJECT)).toBeUndefined();
    expect(await bodies(bus)).toEqual([]);
    await bus.keepEvidence(evidence(2));
    expect(await bodies(bus)).toEqual([{ n: 2 }]);
  });
});

it('evidence that is out of reach is not the same as none', async () => {
  const server = await OwnNatsServer.start();
  const bench = await NatsBench.start(server.url);
  try {
    await (await bench.connect()).keepEvidence(evidence(1));
    const bus = await bench.connect({ apiTimeoutMs: 200 });
    await server.kill();
    await expect(bus.newestEvidence(SUBJECT)).rejects.toMatchObject({
      code: 'message-bus/evidence-not-read',
    });
    await expect(bodies(bus)).rejects.toMatchObject({ code: 'message-bus/evidence-not-read' });
    await server.run();
  } finally {
    await bench.stop();
    await server.stop();
  }
});
