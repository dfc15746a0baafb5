import { call, compiled, Player, signalWait } from '../testing';
import { isStarted } from './state';

const contextOf = ({ state }: Player) => (isStarted(state) ? state.context : {});
const failure = (player: Player) =>
  player.events.find(({ type }) => type === 'StepFailed' || type === 'MapItemFailed')?.data;

const reserve = call('reserve', {
  input_mapping: { sku: 'item.sku', order: 'order' },
  output_mapping: { reservation: 'id' },
  compensation_action: {
    service_name: 'stock',
    endpoint: '/release',
    retry_policy: { max_retries: 0 },
    input_mapping: { id: 'reservation', sku: 'item.sku' },
  },
});
const each = (more: object = {}) => ({
  name: 'each',
  type: 'map',
  items: 'lines',
  concurrency: 2,
  steps: [reserve],
  collect: { reservations: 'reservation', skus: '=item.sku + "!"' },
  ...more,
});
const lines = [{ sku: 'a' }, { sku: 'b' }, { sku: 'c' }];
const start = (more: object = {}, options: Readonly<Record<string, unknown>> = {}) =>
  new Player(compiled([each(more), call('d')], options)).start({ order: 7, lines });

describe('a map', () => {
  it('does the same for each item, at most so many at a time, under an address of its own', () => {
    const player = start();
    expect(player.calling).toEqual(['reserve#0', 'reserve#1']);
    expect(player.calls.map(({ input }) => input)).toEqual([
      { sku: 'a', order: 7 },
      { sku: 'b', order: 7 },
    ]);
    player.ok('reserve#1', { id: 'r1' });
    expect(player.calling).toEqual(['reserve#0', 'reserve#2']);
  });

  it('collects in the order of the items, whatever the order of the answers', () => {
    const player = start();
    for (const index of [1, 2, 0]) player.crash().ok(`reserve#${index}`, { id: `r${index}` });
    expect(player.calling).toEqual(['d']);
    expect(contextOf(player)).toEqual({
      order: 7,
      lines,
      reservations: ['r0', 'r1', 'r2'],
      skus: ['a!', 'b!', 'c!'],
    });
  });

  it('leaves null where there is nothing to collect', () => {
    const player = start();
    for (const index of [0, 1, 2]) player.ok(`reserve#${index}`, index === 1 ? {} : { id: index });
    expect(contextOf(player)).toMatchObject({ reservations: [0, null, 2] });
  });

  it('is done at once with an empty list', () => {
    const player = new Player(compiled([each(), call('d')])).start({ lines: [] });
    expect(player.calling).toEqual(['d']);
    expect(contextOf(player)).toEqual({ lines: [], reservations: [], skus: [] });
  });

  it.each([
    ['a number', { items: 'order' }, 'items: is no list'],
    ['nothing', { items: 'missing' }, 'items: is no list'],
    ['too many', { max_items: 2 }, 'items: has 3 items, at most 2 are allowed'],
    ['what fails', { items: '=order.x' }, expect.stringMatching(/^items: /)],
  ])('fails for sure when its items are %s', (_, more, message) => {
    const player = start(more);
    expect(player.status).toBe('failed');
    expect(failure(player)).toMatchObject({ step: 'each', outcome: 'failed', message });
  });

  it('undoes what the items did, newest first, each with its own context', () => {
    const player = start();
    player.ok('reserve#1', { id: 'r1' });
    player.ok('reserve#0', { id: 'r0' });
    player.status4xx('reserve#2');
    expect(player.calling).toEqual(['reserve#0:undo']);
    expect(player.calls.at(-1)).toMatchObject({
      key: expect.stringMatching(/:reserve#0:undo$/),
      input: { id: 'r0', sku: 'a' },
    });
    player.ok('reserve#0:undo');
    expect(player.calls.at(-1)?.input).toEqual({ id: 'r1', sku: 'b' });
    player.ok('reserve#1:undo');
    expect(player.status).toBe('compensated');
  });

  it('begins no further items when one has failed', () => {
    const player = start();
    player.status4xx('reserve#0');
    player.ok('reserve#1', { id: 'r1' });
    expect(player.calling).toEqual(['reserve#1:undo']);
  });

  it('with the join settle tries every item, then fails with the first failure', () => {
    const player = start({ join: 'settle' });
    player.status4xx('reserve#1');
    player.ok('reserve#0', { id: 'r0' });
    player.ok('reserve#2', { id: 'r2' });
    expect(player.calling).toEqual(['reserve#2:undo']);
    expect(player.events.find(({ type }) => type === 'GroupFailed')?.data).toMatchObject({
      failed_step: 'reserve#1',
    });
  });

  it('goes on with what had failed when the run is retried', () => {
    const player = start({ join: 'settle' }, { compensation_strategy: 'none' });
    player.status4xx('reserve#1');
    player.ok('reserve#0', { id: 'r0' });
    player.ok('reserve#2', { id: 'r2' });
    player.retry();
    expect(player.calling).toEqual(['reserve#1']);
    player.ok('reserve#1', { id: 'r1' });
    expect(contextOf(player)).toMatchObject({ reservations: ['r0', 'r1', 'r2'] });
    expect(player.calling).toEqual(['d']);
  });

  it('begins no more items at once when it is retried than at first', () => {
    const player = start({ join: 'settle' }, { compensation_strategy: 'none' });
    for (const index of [0, 1, 2]) player.status4xx(`reserve#${index}`);
    player.retry();
    expect(player.calling).toEqual(['reserve#0', 'reserve#1']);
    player.crash().status4xx('reserve#0');
    expect(player.calling).toEqual(['reserve#1', 'reserve#2']);
    for (const index of [2, 1]) player.ok(`reserve#${index}`, { id: `r${index}` });
    player.retry();
    expect(player.calling).toEqual(['reserve#0']);
    player.ok('reserve#0', { id: 'r0' });
    expect(contextOf(player)).toMatchObject({ reservations: ['r0', 'r1', 'r2'] });
  });

  it('fails when what is to be collected cannot be', () => {
    const player = start({ collect: { twice: '=reservation * 2' } });
    player.ok('reserve#0', { id: 'r0' });
    expect(failure(player)).toMatchObject({ step: 'each', index: 0 });
    player.ok('reserve#1', { id: 4 });
    expect(player.calling).toEqual(['reserve#1:undo']);
  });

  it('can stand in a map, and its steps see both items', () => {
    const inner = {
      name: 'inner',
      type: 'map',
      items: 'row',
      as: 'cell',
      max_items: 3,
      steps: [call('paint', { input_mapping: { at: '=size(row) * 10 + cell' } })],
      collect: { cells: 'cell' },
    };
    const outer = { name: 'outer', type: 'map', items: 'rows', as: 'row', max_items: 3 };
    const player = new Player(
      compiled([{ ...outer, steps: [inner], collect: { rows_done: 'cells' } }]),
    ).start({ rows: [[1, 2], [], [3]] });
    expect(player.calling).toEqual(['paint#0.0', 'paint#0.1', 'paint#2.0']);
    expect(player.calls.map(({ input }) => input)).toEqual([{ at: 21 }, { at: 22 }, { at: 13 }]);
    for (const address of ['paint#2.0', 'paint#0.0', 'paint#0.1']) player.ok(address);
    expect(contextOf(player)).toMatchObject({ rows_done: [[1, 2], [], [3]] });
  });

  it('hands a signal to the item that has waited longest', () => {
    const wait = signalWait('packed', { output_mapping: { box: 'box' } });
    const player = start({ steps: [wait], concurrency: 3, collect: { boxes: 'box' } });
    for (const box of [4, 5, 6]) player.signal('packed', { box });
    expect(contextOf(player)).toMatchObject({ boxes: [4, 5, 6] });
  });
});
