import { evolveRunView, type RunView } from '../views/run-view';
import { timelineEntry } from '../views/timeline';
import { call, compiled, fixedCall, parallel, Player, RUN_ID } from '../testing';

const mapped = (more: object = {}) =>
  fixedCall('pay', { input_mapping: { card: 'card' }, ...more });
/** A run that stopped because the card was refused. */
const refused = (definition = compiled([mapped()])) => {
  const player = new Player(definition).start({ card: 'old' });
  player.status4xx('pay', 402);
  return player;
};

describe('a retry with an edited context', () => {
  it('forms the input of a step that failed for sure anew: another request, with another key', () => {
    const player = refused();
    expect(player.retry({ context_patch: { card: 'new' } })).toMatchObject([
      { type: 'RunRetried', data: { context_patch: { card: 'new' } } },
      { type: 'StepRetried', data: { step: 'pay', attempt: 2, input: { card: 'new' } } },
    ]);
    const [first, second] = player.calls;
    expect(first?.key).toBe(`${RUN_ID}:pay`);
    expect(second).toMatchObject({ key: `${RUN_ID}:pay:2`, input: { card: 'new' } });
  });

  it('undoes the request that had the effect', () => {
    const pay = call('pay', { input_mapping: { card: 'card' } });
    const player = new Player(compiled([pay], { compensation_strategy: 'none' })).start({
      card: 'old',
    });
    player.status4xx('pay', 402);
    player.retry({ context_patch: { card: 'new' } });
    player.ok('pay:2');
    player.compensate();
    expect(player.crash().outstanding.get(`${RUN_ID}:pay:undo`)).toMatchObject({
      undoes: `${RUN_ID}:pay:2`,
    });
  });

  it('says nothing of an input that stays as it was', () => {
    const player = refused();
    const [, again] = player.retry() as readonly { data: object }[];
    expect(again?.data).not.toHaveProperty('input');
    player.status4xx('pay');
    const [, third] = player.retry({ context_patch: { other: 1 } }) as readonly { data: object }[];
    expect(third?.data).not.toHaveProperty('input');
  });

  it('keeps the input of a step of which nobody knows', () => {
    const player = new Player(compiled([mapped()])).start({ card: 'old' });
    player.timeout('pay');
    player.retry({ context_patch: { card: 'new' } });
    expect(player.calls.at(-1)).toMatchObject({ attempt: 2, input: { card: 'old' } });
  });

  it.each([
    [3, 'kept', 'old'],
    [2, 'formed anew', 'new'],
  ])('under the rules %i, the input of a step that has had its effect is %s', (rules, _, card) => {
    const pay = call('pay', {
      input_mapping: { card: 'card' },
      output_mapping: { receipt: '=output.receipt' },
    });
    const player = new Player(compiled([pay], { compensation_strategy: 'none' }));
    player.rules = rules;
    player.start({ card: 'old' });
    // It has paid, and what it says of it is of no use.
    player.ok('pay', {});
    player.retry();
    player.answer('pay', { kind: 'refused', message: 'nobody there' });
    player.retry({ context_patch: { card: 'new' } });
    expect(player.calls.at(-1)).toMatchObject({ attempt: 3, input: { card } });
  });

  it.each([
    [4, 'kept', 'old', { id: 7 }],
    [3, 'lost', 'new', {}],
  ])(
    'under the rules %i, that it has had its effect is %s when a later call failed that is undone too',
    (rules, _, card, id) => {
      const pay = call('pay', {
        input_mapping: { card: 'card' },
        output_mapping: { receipt: '=output.receipt' },
        undo_failed_step: true,
        compensation_action: {
          service_name: 'pay',
          endpoint: '/pay/undo',
          input_mapping: { id: 'output.id' },
        },
      });
      const player = new Player(compiled([pay], { compensation_strategy: 'none' }));
      player.rules = rules;
      player.start({ card: 'old' });
      player.ok('pay', { id: 7 });
      player.retry();
      player.answer('pay', { kind: 'refused', message: 'nobody there' });
      player.retry({ context_patch: { card: 'new' } });
      expect(player.calls.at(-1)).toMatchObject({ attempt: 3, input: { card } });
      player.status4xx(player.calling[0] ?? '');
      player.crash();
      player.compensate();
      expect(player.calls.at(-1)).toMatchObject({ purpose: 'undo', input: id });
    },
  );

  it('keeps it for retries after that, and over a take-over', () => {
    const player = refused(compiled([mapped({ retry_policy: { max_retries: 1 } })]));
    player.retry({ context_patch: { card: 'new' } });
    player.crash();
    player.status4xx('pay:2', 503);
    player.due('retry:pay:2');
    expect(player.calls.at(-1)).toMatchObject({
      key: `${RUN_ID}:pay:2`,
      attempt: 3,
      input: { card: 'new' },
    });
  });

  it('lets a step go on whose input could not be formed, or whose decision failed', () => {
    const player = new Player(
      compiled([
        call('a', { input_mapping: { n: '=missing + 1' } }),
        { name: 'd', type: 'decision', cases: [{ when: 'size == "big"', goto: 'c' }] },
        call('b'),
        call('c'),
      ]),
    ).start();
    player.retry({ context_patch: { missing: 1 } });
    expect(player.calls.at(-1)?.input).toEqual({ n: 2 });
    player.ok('a');
    player.ok('a:undo');
    expect(player.status).toBe('compensated');
  });

  it('fails again when the edit makes the input impossible', () => {
    const player = new Player(compiled([mapped({ input_mapping: { n: '=amount + 1' } })])).start({
      amount: 1,
    });
    player.status4xx('pay');
    player.retry({ context_patch: { amount: 'a lot' } });
    expect(player.status).toBe('failed');
    expect(player.calls).toHaveLength(1);
  });

  it('goes on where such an input is caught, which it was not while the run was ending', () => {
    const pay = mapped({
      input_mapping: { n: '=amount + 1' },
      on_error: [{ match: ['any'], goto: 'end' }],
    });
    const player = new Player(compiled([parallel('p', [pay], [fixedCall('b')])])).start({
      amount: 1,
    });
    player.status4xx('b');
    player.status4xx('pay');
    expect(player.status).toBe('failed');
    player.retry({ context_patch: { amount: 'a lot' } });
    player.ok('b');
    expect(player.status).toBe('completed');
  });

  it('is shown in the context and in the timeline', () => {
    const player = refused();
    player.retry({ context_patch: { card: 'new', note: { by: 'phone' } } });
    const view = player.events.reduce<RunView | undefined>(evolveRunView, undefined);
    expect(view?.context_data).toEqual({ card: 'new', note: { by: 'phone' } });
    expect(view?.steps).toMatchObject([{ input_data: { card: 'new' } }]);
    expect(player.events.map(timelineEntry)).toContainEqual(
      expect.objectContaining({
        event: 'RunRetried',
        details: expect.objectContaining({
          context_patch: { card: 'new', note: { by: 'phone' } },
        }) as object,
      }),
    );
  });

  it('is refused for an undo, and for what the workflow keeps itself', () => {
    const player = new Player(compiled([call('a'), call('b')])).start();
    player.ok('a');
    player.status4xx('b');
    player.status4xx('a:undo');
    expect(player.retry({ context_patch: { x: 1 } })).toMatchObject({
      code: 'invalid-input',
      errors: [{ field: 'context_patch' }],
    });
    const catching = refused(
      compiled([mapped({ on_error: [{ match: ['timeout'], goto: 'end' }] })]),
    );
    expect(catching.retry({ context_patch: { errors: {} } })).toMatchObject({
      errors: [{ field: 'context_patch.errors' }],
    });
  });
});
