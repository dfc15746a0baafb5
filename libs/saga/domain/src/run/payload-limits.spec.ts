import { PAYLOAD_BYTES_MAX } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { call, child, compiled, delay, fixedCall, Player, signalWait } from '../testing';
import { causeOf } from './cause';
import { RUN_BYTES_MAX } from './payload-limits';
import { isStarted, NOT_STARTED, type RunState } from './state';

/** A value of so many bytes as JSON, quotes included. */
const ofBytes = (bytes: number, letter = 'x') => {
  const each = Buffer.byteLength(letter);
  return letter.repeat(Math.floor((bytes - 2) / each)) + 'x'.repeat((bytes - 2) % each);
};
const largest = ofBytes(PAYLOAD_BYTES_MAX);
const tooLarge = ofBytes(PAYLOAD_BYTES_MAX + 1);
const said = (result: unknown) => (result instanceof Rejection ? result.code : 'accepted');
const bytesOf = ({ state }: Player) => (isStarted(state) ? state.bytes : 0);
const output = (value: string) => ({ kind: 'ok', output: value }) as const;

describe('an answer', () => {
  const begun = (more = {}) => new Player(compiled([call('a', more)])).start();

  it.each([
    ['in plain letters', largest],
    ['in letters of more bytes', ofBytes(PAYLOAD_BYTES_MAX, '€')],
  ])('of the largest size is taken: %s', (_, value) => {
    const player = begun();
    player.answer('a', output(value));
    expect(player.status).toBe('completed');
  });

  it.each([
    ['one byte more', tooLarge],
    ['more bytes, though fewer letters', ofBytes(PAYLOAD_BYTES_MAX + 1, '€')],
  ])(
    'that has %s is not kept: it had its effect, is not asked for again, and is undone',
    (_, value) => {
      const player = begun({ retry_policy: { max_retries: 3 } });
      player.answer('a', output(value));
      expect(player.events.slice(2)).toMatchObject([
        {
          type: 'StepFailed',
          data: {
            step: 'a',
            outcome: 'unusable',
            oversized: true,
            message: `the answer has ${PAYLOAD_BYTES_MAX + 1} bytes, at most ${PAYLOAD_BYTES_MAX} are allowed`,
          },
        },
        {
          type: 'CompensationStarted',
          data: { reason: expect.stringMatching(/^a failed: the answer/) },
        },
        { type: 'UndoStarted', data: { step: 'a' } },
      ]);
      expect(JSON.stringify(player.events).length).toBeLessThan(5_000);
    },
  );

  it('that the caller found too large ends in the same way, and can be caught', () => {
    const caught = compiled([
      call('a', { on_error: [{ match: ['unusable'], goto: 'b' }] }),
      call('b'),
    ]);
    const player = new Player(caught).start();
    player.answer('a', { kind: 'oversized', message: 'the answer is larger than 1 MB' });
    expect(player.calling).toEqual(['b']);
  });

  it('whose mapping makes too much of it is not kept either', () => {
    const player = begun({ output_mapping: { one: 'all', two: 'all' } });
    const events = player.answer('a', {
      kind: 'ok',
      output: { all: ofBytes(PAYLOAD_BYTES_MAX - 10) },
    });
    expect(events[0]?.data).toMatchObject({
      message: expect.stringMatching(/^what output_mapping/),
    });
  });

  it('of an undo counts, however much it says', () => {
    for (const result of [output(tooLarge), { kind: 'oversized', message: 'much' } as const]) {
      const player = new Player(compiled([call('a'), call('b')])).start();
      player.ok('a');
      player.status4xx('b');
      const [undone] = player.answer('a:undo', result);
      expect(undone).toMatchObject({ type: 'StepCompensated', data: { output: null } });
      expect(player.status).toBe('compensated');
    }
  });
});

describe('an input', () => {
  const definition = compiled([
    fixedCall('a', { output_mapping: { one: 'it' } }),
    fixedCall('b', { input_mapping: { one: 'one', two: 'two' } }),
  ]);

  it('larger than may be sent is not sent', () => {
    const half = ofBytes(PAYLOAD_BYTES_MAX / 2);
    const player = new Player(definition).start({ two: half });
    player.ok('a', { it: half });
    expect(player.status).toBe('failed');
    expect(player.events.at(-1)?.data).toMatchObject({
      reason: expect.stringMatching(/^b failed: input_mapping has 10000\d\d bytes, at most/),
    });
  });

  it('of an undo that is too large waits for a person', () => {
    const undo = {
      service_name: 'a',
      endpoint: '/undo',
      retry_policy: { max_retries: 0 },
      input_mapping: { one: 'one', two: 'two' },
    };
    const player = new Player(compiled([call('a', { compensation_action: undo }), call('b')]));
    player.start({ one: ofBytes(PAYLOAD_BYTES_MAX / 2), two: ofBytes(PAYLOAD_BYTES_MAX / 2 - 9) });
    player.ok('a');
    player.status4xx('b');
    expect(player.events.at(-1)).toMatchObject({
      type: 'IncidentOpened',
      data: { kind: 'undo_input', message: expect.stringMatching(/has \d+ bytes, at most/) },
    });
  });
});

describe('a run', () => {
  /** Steps that each keep their answer, so that the run has room for all but the last. */
  const steps = Array.from({ length: 10 }, (_, at) =>
    fixedCall(`s${at}`, { output_mapping: { [`k${at}`]: 'it' } }),
  );
  const full = () => {
    const player = new Player(compiled([...steps, signalWait('go')])).start();
    for (let at = 0; player.status === 'running' && at < steps.length; at++)
      player.ok(`s${at}`, { it: ofBytes(PAYLOAD_BYTES_MAX - 30) });
    return player;
  };

  it('counts every event it has, also after a take-over', () => {
    const player = new Player(compiled([call('a')])).start({ word: 'Grüße' });
    player.ok('a', { id: '4711' });
    const expected = player.events.map(({ data }) => Buffer.byteLength(JSON.stringify(data)));
    expect(bytesOf(player)).toBe(expected.reduce((sum, one) => sum + one, 0));
    expect(bytesOf(player.crash())).toBe(bytesOf(player));
  });

  it('takes no answer that makes it too large; the step is named', () => {
    const player = full();
    expect(player.status).toBe('failed');
    expect(player.events.at(-1)?.data).toMatchObject({
      step: 's7',
      reason: expect.stringMatching(
        /^s7 failed: the answer and .*: the run has \d+ bytes of events/,
      ),
    });
    expect(bytesOf(player)).toBeLessThan(RUN_BYTES_MAX);
    expect(bytesOf(player)).toBeGreaterThan(RUN_BYTES_MAX - 3 * PAYLOAD_BYTES_MAX);
  });

  it('takes no edit that makes it too large, and another one', () => {
    const player = full();
    for (let at = 0; at < 2; at++)
      if (said(player.retry({ context_patch: { [at]: ofBytes(900_000) } })) === 'accepted')
        player.status4xx('s7', 400);
    expect(said(player.retry({ context_patch: { more: ofBytes(900_000) } }))).toBe('run-too-large');
    expect(said(player.retry({ context_patch: { more: 1 } }))).toBe('accepted');
  });

  it('takes no signal that makes it too large', () => {
    const player = new Player(compiled([call('a'), signalWait('go')])).start();
    const codes = Array.from({ length: 17 }, () => said(player.signal('go', ofBytes(990_000))));
    expect(codes.slice(0, 15).every((code) => code === 'accepted')).toBe(true);
    expect(codes.at(-1)).toBe('run-too-large');
    expect(said(player.signal('go', 'small'))).toBe('accepted');
  });

  describe('that nobody signals', () => {
    const wide = Object.fromEntries(
      Array.from({ length: 5 }, (_, at) => [`k${at}`, '=context.big']),
    );
    const waits = (rules = 3) => {
      const wait = signalWait('w', { timeout_seconds: 5, default: 1, output_mapping: wide });
      const each = {
        name: 'each',
        type: 'map',
        items: 'orders',
        concurrency: 20,
        max_items: 20,
        collect: {},
        steps: [wait, delay('d')],
      };
      const player = new Player(compiled([each], { compensation_strategy: 'none' }));
      player.rules = rules;
      player.start({ orders: Array.from({ length: 20 }, (_, at) => at), big: ofBytes(190_000) });
      for (let at = 0; at < 20 && player.timers.includes(`signal:w#${at}`); at++)
        player.due(`signal:w#${at}`);
      return player;
    };

    it('takes no default that makes it too large; the step is named', () => {
      const player = waits();
      expect(bytesOf(player)).toBeLessThan(RUN_BYTES_MAX);
      expect(bytesOf(player)).toBeGreaterThan(RUN_BYTES_MAX - PAYLOAD_BYTES_MAX);
      expect(player.status).toBe('failed');
      expect(player.events.at(-1)?.data).toMatchObject({
        step: 'w#16',
        reason: expect.stringMatching(/^w#16 failed: the default and .*: the run has \d+ bytes/),
      });
      const missed = player.events.findLast(({ type }) => type === 'SignalMissed');
      expect(missed?.data).toMatchObject({ step: 'w#16', context: {} });
      expect(missed?.data).not.toHaveProperty('default');
    });

    it('takes them under earlier rules', () => {
      expect(bytesOf(waits(2))).toBeGreaterThan(RUN_BYTES_MAX);
    });

    it('takes no default of which too much is made', () => {
      const wait = signalWait('w', { timeout_seconds: 5, default: 1, output_mapping: wide });
      const player = new Player(compiled([wait])).start({ big: ofBytes(210_000) });
      player.due('signal:w');
      expect(player.events.at(-1)?.data).toMatchObject({
        reason: expect.stringMatching(/^w failed: what output_mapping makes of it has \d+ bytes/),
      });
    });
  });

  it('says nothing that makes it too large', () => {
    const says = (rules = 3) => {
      const tell = { name: 'tell', type: 'publish', event: 'told', payload: { text: 'said' } };
      const each = {
        name: 'each',
        type: 'map',
        items: 'orders',
        max_items: 100,
        collect: {},
        steps: [tell],
      };
      const player = new Player(compiled([each], { compensation_strategy: 'none' }));
      player.rules = rules;
      const orders = Array.from({ length: 100 }, (_, at) => at);
      return player.start({ said: ofBytes(190_000, '€'), orders });
    };
    const player = says();
    expect(player.status).toBe('failed');
    expect(bytesOf(player)).toBeLessThan(RUN_BYTES_MAX);
    expect(player.events.at(-1)?.data).toMatchObject({
      reason: expect.stringMatching(/^tell#\d+ failed: payload: the run has \d+ bytes of events/),
    });
    expect(bytesOf(says(2))).toBeGreaterThan(RUN_BYTES_MAX);
  });

  it('that began under earlier rules goes on under them', () => {
    const player = new Player(compiled([call('a')]));
    player.rules = 2;
    player.start();
    player.answer('a', output(tooLarge));
    expect(player.status).toBe('completed');
    const parent = new Player(compiled([child('sub')]));
    parent.rules = 2;
    parent.start();
    parent.child('sub', 'completed', { text: 'x'.repeat(262_144) });
    expect(parent.children).toEqual(['sub:undo']);
  });

  it('follows from its log', () => {
    const player = full();
    let before: RunState = NOT_STARTED;
    for (const events of player.appends) {
      const command = causeOf(events, before);
      if (!command) throw new Error('no command');
      const decision = player.decider.transition(command, before);
      if (decision instanceof Rejection) throw new Error(decision.code);
      expect(decision.events).toEqual(events);
      before = decision.state;
    }
  });
});
