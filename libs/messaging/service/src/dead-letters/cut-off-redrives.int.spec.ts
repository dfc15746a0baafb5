import { randomUUID } from 'node:crypto';
import { PostgresDeadLetters } from '@downbeat/dead-letters';
import { eventually } from '@downbeat/event-store/testing';
import type { EventStore } from '@downbeat/event-store';
import { instantOf } from '@downbeat/eventsourcing';
import { BusUnavailable, MessageTooLarge, type MessageBus } from '@downbeat/message-bus';
import { deadLetterStream } from '@downbeat/messaging-domain';
import { ContextPool, SystemClock, type HostSettings } from '@downbeat/service-host';
import { Logger } from '@nestjs/common';
import { DiscardDeadLetter, DiscardDeadLetterHandler } from '../commands/discard-dead-letter';
import { RedriveDeadLetter, RedriveDeadLetterHandler } from '../commands/redrive-dead-letter';
import { consumersOfTopic } from '../services/consumers-of';
import { HANDLED, QuarantineBench } from '../testing/quarantine-bench';
import { Chronicle } from './chronicle';
import { LetterHandling } from './letter-handling';
import { OldLetters } from './old-letters';
import { Quarantine } from './quarantine';
import { Redriver } from './redriver';
import { OVERDUE_MS, Sweep } from './sweep';

Logger.overrideLogger(false);

/** What a process does when it is killed: nothing of the rest. */
class Killed extends Error {}

let bench: QuarantineBench;
let pool: ContextPool;
let store: EventStore;

beforeAll(async () => {
  bench = await QuarantineBench.open('cut_off_redrives');
  pool = new ContextPool(bench.database.urlOf('messaging'), 'messaging');
  store = bench.database.store('messaging');
  await process_().sweep.prepare();
});
afterAll(async () => {
  await pool.close();
  await bench.close();
});
beforeEach(() => bench.fix());

/** The parts of one process, some of them replaced. */
function process_(replaced: { quarantine?: Partial<Quarantine>; bus?: Partial<MessageBus> } = {}) {
  const settings = { config: { LOG_NAME: 'log' } } as HostSettings;
  const quarantine = replacing(new Quarantine(pool, settings), replaced.quarantine);
  const redriver = new Redriver(quarantine, replacing<MessageBus>(bench.bus, replaced.bus));
  const chronicle = new Chronicle(pool, store, quarantine);
  const handling = new LetterHandling(store, quarantine, redriver, chronicle);
  return {
    redrive: new RedriveDeadLetterHandler(handling),
    discard: new DiscardDeadLetterHandler(handling),
    handling,
    sweep: new Sweep(pool, store, quarantine, redriver, new SystemClock()),
  };
}

const replacing = <Part extends object>(part: Part, replaced: Partial<Part> = {}): Part =>
  new Proxy(part, {
    get: (target, name) => {
      const own: unknown = Reflect.get(replaced, name) ?? Reflect.get(target, name);
      return typeof own === 'function' ? (own.bind(target) as unknown) : own;
    },
  });

const killed = () => Promise.reject(new Killed());
const about = (id: string, commandId: string = randomUUID()) =>
  [
    { dead_letter_id: id, reason: 'because' },
    instantOf(Date.now()),
    { commandId, meta: { correlation_id: 'k', causation_id: commandId, actor: 'ann' } },
  ] as const;

/** A letter whose redrive failed before, so that the next one has a number of its own. */
async function poisoned(): Promise<{ readonly name: string; readonly id: string }> {
  const name = `svc-${randomUUID().slice(0, 8)}`;
  const { handle } = bench;
  bench.handle = () => ({ outcome: 'dead-letter', reason: 'port must be at most 65535' });
  const id = await bench.poison(name);
  bench.handle = handle;
  return { name, id };
}

/** What operators did. */
const events = async (id: string) =>
  (await store.load(deadLetterStream(id))).filter(({ meta }) => meta.actor !== 'messaging');

/** Every place between two lines, and what a process does there when it is killed. */
const CUTS = {
  'the event is appended and the row does not show it': { quarantine: { beginRedrive: killed } },
  'the row says redriving and nothing is sent': { quarantine: { underRedrive: killed } },
  'it is about to be sent': { bus: { redrive: killed } },
  'it is sent and nobody is told': {
    bus: {
      redrive: async (...sent: Parameters<MessageBus['redrive']>) => {
        await bench.bus.redrive(...sent);
        throw new Killed();
      },
    },
  },
} as const;

describe.each(Object.entries(CUTS))('a redrive that is cut off when %s', (_, replaced) => {
  it('is finished when the same command comes again', async () => {
    const { name, id } = await poisoned();
    const command = new RedriveDeadLetter(...about(id, 'again-' + id));
    await expect(process_(replaced).redrive.execute(command)).rejects.toThrow(Killed);
    expect(await process_().redrive.execute(command)).toMatchObject({
      accepted: true,
      repeated: true,
      answer: { dead_letter_id: id, status: 'redriving' },
    });
    await eventually(async () => expect((await bench.letter(id)).status).toBe('redriven'));
    expect(bench.deliveriesOf(name)).toBe(2);
    expect(await events(id)).toHaveLength(1);
  });

  it('is finished by the sweep of another process', async () => {
    const { name, id } = await poisoned();
    const command = new RedriveDeadLetter(...about(id));
    await expect(process_(replaced).redrive.execute(command)).rejects.toThrow(Killed);
    await bench.age(id, OVERDUE_MS / 1_000 + 1);
    await process_().sweep.look();
    await eventually(async () => expect((await bench.letter(id)).status).toBe('redriven'));
    expect(bench.deliveriesOf(name)).toBe(2);
    expect(await bench.letter(id)).toMatchObject({ redrives: 1 });
  });
});

describe('a redrive that goes on when the server knows its copy by the id no more', () => {
  /** Longer than the two minutes of the stream. */
  const LATER_S = 600;

  it('looks whether the copy waits, and sends none beside it', async () => {
    const { name, id } = await poisoned();
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    bench.handle = () => opened.then(() => HANDLED);
    const sentAndKilled = CUTS['it is sent and nobody is told'];
    const command = new RedriveDeadLetter(...about(id));
    await expect(process_(sentAndKilled).redrive.execute(command)).rejects.toThrow(Killed);
    await bench.age(id, LATER_S);
    let sent = 0;
    const count = (): Promise<void> => Promise.resolve(void sent++);
    // It waits, or is being handled: asked again, swept, and asked by another operator, none is sent.
    await process_({ bus: { redrive: count } }).redrive.execute(command);
    await process_({ bus: { redrive: count } }).redrive.execute(
      new RedriveDeadLetter(...about(id)),
    );
    await process_({ bus: { redrive: count } }).sweep.look();
    expect(sent).toBe(0);
    open();
    await eventually(async () => expect((await bench.letter(id)).status).toBe('redriven'));
    await process_({ bus: { redrive: count } }).sweep.look();
    expect([sent, bench.deliveriesOf(name)]).toEqual([0, 2]);
  });

  it('sends what the bus has lost', async () => {
    const { name, id } = await poisoned();
    const lost = { bus: { redrive: () => Promise.reject(new Killed()) } };
    const command = new RedriveDeadLetter(...about(id));
    await expect(process_(lost).redrive.execute(command)).rejects.toThrow(Killed);
    await bench.age(id, LATER_S);
    await process_().redrive.execute(command);
    await eventually(async () => expect((await bench.letter(id)).status).toBe('redriven'));
    expect(bench.deliveriesOf(name)).toBe(2);
  });
});

describe('a redrive to a service that is away', () => {
  it('is not sent again while its copy waits, and is when the copy is lost', async () => {
    const { serviceMessages } = bench.bus;
    const consumers = consumersOfTopic('away', 'paid', instantOf(Date.now()));
    await serviceMessages.ensure(consumers);
    const id = randomUUID();
    const letter = {
      id,
      subject: 'message.low.paid',
      consumer: 'away',
      message_id: 'm-away',
      reason: 'no such warehouse',
      attempts: 1,
      headers: {},
      body: Buffer.from('{}'),
      correlation_id: 'k',
    };
    const deadLetters = new PostgresDeadLetters(pool.pool);
    await deadLetters.quarantine(letter);
    let sent = 0;
    const redrive = (...parts: Parameters<MessageBus['redrive']>): Promise<void> => {
      sent++;
      return bench.bus.redrive(...parts);
    };
    const away = () => process_({ bus: { redrive } });
    await away().redrive.execute(new RedriveDeadLetter(...about(id)));
    await bench.age(id, OVERDUE_MS / 1_000 + 1);
    await away().sweep.look();
    expect(sent).toBe(1);
    await serviceMessages.remove(consumers.map(({ durable }) => durable));
    await away().sweep.look();
    expect(sent).toBe(2);
    await deadLetters.resolve(id);
  });
});

describe('a redrive under way', () => {
  it('is ended by the failure of its own copy only', async () => {
    const id = randomUUID();
    const letter = {
      ...{ id, subject: 'message.low.paid', consumer: 'stock', message_id: 'm-own' },
      ...{ reason: 'no', attempts: 1, headers: {}, body: Buffer.from('{}'), correlation_id: 'k' },
    };
    const deadLetters = new PostgresDeadLetters(pool.pool);
    const bus = { redrive: () => Promise.resolve() };
    const redrive = () => process_({ bus }).redrive.execute(new RedriveDeadLetter(...about(id)));
    await deadLetters.quarantine(letter);
    await redrive();
    // Who gave up on it was killed before its acknowledgement: the original comes again, and fails again.
    await deadLetters.quarantine(letter);
    expect(await bench.letter(id)).toMatchObject({ status: 'redriving', redrives: 1, attempts: 1 });
    const copy = { ...letter, redrive: 1 };
    await deadLetters.quarantine(copy);
    expect(await bench.letter(id)).toMatchObject({ status: 'quarantined', attempts: 2 });
    await redrive();
    // So does the copy of the redrive before.
    await deadLetters.quarantine(copy);
    expect(await bench.letter(id)).toMatchObject({ status: 'redriving', redrives: 2, attempts: 2 });
    // That a copy was handled is so whichever it was.
    await deadLetters.resolve(id);
    expect(await bench.letter(id)).toMatchObject({ status: 'redriven' });
  });
});

describe('a discard that is cut off before the row shows it', () => {
  const cut = { quarantine: { discard: killed } };

  it('is finished when it is asked for again, and by the sweep', async () => {
    const [asked, swept] = [await poisoned(), await poisoned()];
    for (const { id } of [asked, swept]) {
      const command = new DiscardDeadLetter(...about(id));
      await expect(process_(cut).discard.execute(command)).rejects.toThrow(Killed);
      expect((await bench.letter(id)).status).toBe('quarantined');
    }
    await process_().discard.execute(new DiscardDeadLetter(...about(asked.id)));
    expect(await bench.letter(asked.id)).toMatchObject({ status: 'discarded' });
    await process_().sweep.look();
    expect(await bench.letter(swept.id)).toMatchObject({
      status: 'discarded',
      resolution: 'because',
    });
    expect(await events(asked.id)).toHaveLength(1);
  });
});

describe('letters that were resolved long ago', () => {
  const oldLetters = (keptDays?: string) => {
    const environment =
      keptDays === undefined ? {} : { MESSAGING_DEAD_LETTERS_KEPT_DAYS: keptDays };
    const settings = { config: { LOG_NAME: 'log' }, environment } as unknown as HostSettings;
    const quarantine = new Quarantine(pool, settings);
    return new OldLetters(settings, quarantine, process_().handling, new SystemClock());
  };
  const texts = async (id: string) => {
    const { rows } = await pool.query<{ body: string; purged: boolean }>(
      `select convert_from(body, 'UTF8') as body, purged_at is not null as purged
         from log.dead_letter where id = $1`,
      [id],
    );
    return rows[0];
  };

  it('are purged when a setting says so, and no others', async () => {
    const [old, young, open] = [await poisoned(), await poisoned(), await poisoned()];
    for (const { id } of [old, young])
      await process_().discard.execute(new DiscardDeadLetter(...about(id)));
    for (const { id } of [old, open]) await bench.age(id, 2 * 86_400);
    await oldLetters().look();
    expect(await texts(old.id)).toMatchObject({ purged: false });
    await oldLetters('1').look();
    expect(await texts(old.id)).toEqual({ body: '', purged: true });
    for (const { id } of [young, open]) expect(await texts(id)).toMatchObject({ purged: false });
    const told = (await events(old.id)).at(-1);
    expect(told).toMatchObject({
      ...{ type: 'DeadLetterPurged', data: { reason: 'resolved for more than 1 days' } },
      meta: { actor: 'messaging-retention' },
    });
  });

  it('are purged by the sweep where that was cut off', async () => {
    const { id } = await poisoned();
    await process_().discard.execute(new DiscardDeadLetter(...about(id)));
    const { handling } = process_({ quarantine: { purge: killed } });
    const [data, at, cause] = about(id);
    await expect(handling.purge(data, at, cause)).rejects.toThrow(Killed);
    expect(await texts(id)).toMatchObject({ purged: false });
    await process_().sweep.look();
    expect(await texts(id)).toEqual({ body: '', purged: true });
  });
});

describe('the sweep', () => {
  it('begins nothing again that has ended', async () => {
    const { name, id } = await poisoned();
    await process_().redrive.execute(new RedriveDeadLetter(...about(id)));
    await eventually(async () => expect((await bench.letter(id)).status).toBe('redriven'));
    await pool.query('delete from swept');
    const sent: string[] = [];
    const bus = { redrive: (letter: { id: string }) => Promise.resolve(void sent.push(letter.id)) };
    await process_({ bus }).sweep.look();
    expect(sent).toEqual([]);
    expect(bench.deliveriesOf(name)).toBe(2);
  });

  it('sends what is unanswered once per wait, and never before its time', async () => {
    const [{ id: early }, { id: late }] = [await poisoned(), await poisoned()];
    const sent: string[] = [];
    const bus = { redrive: (letter: { id: string }) => Promise.resolve(void sent.push(letter.id)) };
    const { redrive, sweep } = process_({ bus });
    for (const id of [early, late]) await redrive.execute(new RedriveDeadLetter(...about(id)));
    expect(sent.splice(0)).toEqual([early, late]);
    await bench.age(late, OVERDUE_MS / 1_000 + 1);
    await sweep.look();
    await sweep.look();
    expect(sent).toEqual([late]);
  });
});

describe('a bus that does not take the copy', () => {
  it('leaves the redrive accepted, to be sent by the sweep', async () => {
    const { id } = await poisoned();
    const bus = { redrive: () => Promise.reject(new BusUnavailable('no connection')) };
    const outcome = await process_({ bus }).redrive.execute(new RedriveDeadLetter(...about(id)));
    expect(outcome).toMatchObject({ accepted: true });
    await bench.age(id, OVERDUE_MS / 1_000 + 1);
    await process_().sweep.look();
    await eventually(async () => expect((await bench.letter(id)).status).toBe('redriven'));
  });

  it('puts the letter back when it never will', async () => {
    const { id } = await poisoned();
    const bus = { redrive: () => Promise.reject(new MessageTooLarge('retry.x')) };
    await process_({ bus }).redrive.execute(new RedriveDeadLetter(...about(id)));
    expect(await bench.letter(id)).toMatchObject({ status: 'quarantined', redrives: 1 });
    expect((await bench.letter(id)).resolution).toMatch(/larger than the server takes/);
    await process_().redrive.execute(new RedriveDeadLetter(...about(id)));
    await eventually(async () =>
      expect(await bench.letter(id)).toMatchObject({ status: 'redriven', redrives: 2 }),
    );
  });
});
