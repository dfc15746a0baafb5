import { Rejection } from '@downbeat/eventsourcing';
import { compileDefinition } from '../definition/compile';
import {
  call,
  child,
  compiled,
  definitionOf,
  delay,
  fixedCall,
  parallel,
  Player,
} from '../testing';
import { evolveRunView, type RunView } from '../views/run-view';
import { isStarted } from './state';

type Fields = Readonly<Record<string, unknown>>;

/** `a`, then `pay`, which catches what is asked for and goes on at `invoice`. */
const catching = (match: unknown[], more: Fields = {}, invoice: Fields = {}) =>
  compiled([
    call('a'),
    call('pay', { on_error: [{ match, goto: 'invoice' }], ...more }),
    call('ship'),
    call('invoice', invoice),
  ]);
function atPay(definition = catching(['any'])): Player {
  const player = new Player(definition).start();
  player.ok('a');
  return player;
}
const errorsOf = ({ state }: Player) => isStarted(state) && state.context['errors'];

describe('on_error', () => {
  it('goes on where it says, and the step stays failed', () => {
    const player = atPay();
    expect(player.status4xx('pay').map(({ type }) => type)).toEqual([
      'StepAttemptFailed',
      'StepFailed',
      'StepStarted',
    ]);
    expect(player.calling).toEqual(['invoice']);
    player.ok('invoice');
    expect(player.status).toBe('completed');
    const view = player.events.reduce<RunView | undefined>(evolveRunView, undefined);
    expect(view).not.toHaveProperty('error_details');
    expect(view?.steps).toContainEqual(
      expect.objectContaining({ step_name: 'pay', status: 'failed' }),
    );
  });

  it('says what it was in the context', () => {
    const player = atPay();
    player.status4xx('pay', 402);
    expect(errorsOf(player)).toEqual({
      pay: { outcome: 'failed', class: '4xx', status: 402, message: 'HTTP 402: no', attempts: 1 },
    });
  });

  it('is asked when the retries are spent', () => {
    const player = atPay(catching(['any'], { retry_policy: { max_retries: 1 } }));
    player.status4xx('pay', 503);
    expect(player.calling).toEqual([]);
    player.due('retry:pay:1');
    player.status4xx('pay', 503);
    expect(player.calling).toEqual(['invoice']);
  });

  it.each<[unknown[], (player: Player) => void, boolean]>([
    [[402], (player) => player.status4xx('pay', 402), true],
    [[402], (player) => player.status4xx('pay', 409), false],
    [['4xx'], (player) => player.status4xx('pay', 409), true],
    [['timeout'], (player) => player.timeout('pay'), true],
    [['unknown'], (player) => player.timeout('pay'), true],
    [['unknown'], (player) => player.status4xx('pay', 504), true],
    [['unknown'], (player) => player.status4xx('pay', 500), false],
    [['failed'], (player) => player.status4xx('pay', 500), true],
    [['connection'], (player) => player.answer('pay', { kind: 'broken', message: 'm' }), true],
  ])('%j', (match, fail, isCaught) => {
    const player = atPay(catching(match));
    fail(player);
    expect(player.calling.includes('invoice')).toBe(isCaught);
  });

  it('catches an answer that cannot be mapped, and an input that cannot be formed', () => {
    const unusable = atPay(catching(['unusable'], { output_mapping: { x: '=output.no.where' } }));
    unusable.ok('pay');
    expect(unusable.calling).toEqual(['invoice']);
    const never = atPay(catching(['failed'], { input_mapping: { x: '=missing' } }));
    expect(never.calling).toEqual(['invoice']);
    expect(errorsOf(never)).toMatchObject({ pay: { class: 'input', attempts: 0 } });
  });

  it('leaves a step whose outcome is unknown on the undo stack', () => {
    const player = atPay();
    player.timeout('pay');
    player.status4xx('invoice');
    expect(player.calling).toEqual(['pay:undo']);
    player.ok('pay:undo');
    player.ok('a:undo');
    expect(player.status).toBe('compensated');
  });

  it('takes the first entry that matches, and goes before optional', () => {
    const definition = compiled([
      call('a', {
        optional: true,
        on_error: [
          { match: [409], goto: 'c' },
          { match: ['4xx'], goto: 'd' },
        ],
      }),
      call('b'),
      call('c'),
      call('d'),
    ]);
    const called = (status: number) => {
      const player = new Player(definition).start();
      player.status4xx('a', status);
      return player.calling;
    };
    expect([409, 404, 500].map(called)).toEqual([['c'], ['d'], ['b']]);
  });

  it('can end the sequence', () => {
    const player = new Player(
      compiled([call('a', { on_error: [{ match: ['any'], goto: 'end' }] }), call('b')]),
    ).start();
    player.status4xx('a');
    expect(player.status).toBe('completed');
  });

  it('is not asked in a run that is ending', () => {
    const player = new Player(
      compiled([
        parallel(
          'p',
          [call('a', { on_error: [{ match: ['any'], goto: 'b' }] }), call('b')],
          [fixedCall('c')],
        ),
      ]),
    ).start();
    player.status4xx('c');
    player.status4xx('a');
    expect(player.status).toBe('failed');
    expect(errorsOf(player)).toBeUndefined();
  });

  it('is passed by a retry of the run', () => {
    const player = atPay();
    player.status4xx('pay');
    player.compensate({ compensation_strategy: 'all' });
    const other = new Player(
      catching(['any'], { compensation_action: undefined }, { compensation_action: undefined }),
    ).start();
    other.ok('a');
    other.status4xx('pay');
    other.status4xx('invoice');
    other.ok('a:undo');
    expect(other.status).toBe('compensated');
    const failed = new Player(
      compiled(
        [
          fixedCall('pay', { on_error: [{ match: ['any'], goto: 'c' }] }),
          fixedCall('b'),
          fixedCall('c'),
        ],
        { compensation_strategy: 'none' },
      ),
    ).start();
    failed.status4xx('pay');
    failed.status4xx('c');
    failed.retry();
    expect(failed.calling).toEqual(['c']);
  });

  it('can be read by expressions and by undos behind it', () => {
    const player = atPay(
      catching(
        ['any'],
        {},
        {
          conditions: 'errors.pay.status == 402',
          input_mapping: { why: 'errors.pay.message', again: '=context.errors.pay.attempts + 1' },
        },
      ),
    );
    player.status4xx('pay', 402);
    expect(player.calls.at(-1)?.input).toEqual({ why: 'HTTP 402: no', again: 2 });
  });

  it('leaves no room for errors of the caller', () =>
    expect(
      new Player(catching(['any'])).say({
        type: 'StartWorkflow',
        at: new Player(catching(['any'])).at,
        workflow_id: '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11',
        checksum: 'c',
        rules: undefined,
        data: {
          workflow_name: 'book',
          correlation_id: 'c',
          initiating_service: 's',
          context_data: { errors: {} },
        },
      }),
    ).toMatchObject({ code: 'invalid-input', errors: [{ field: 'context_data.errors' }] }));
});

describe('an on_error', () => {
  const caught = (name: string, goto: string) =>
    call(name, { on_error: [{ match: ['any'], goto }] });
  it.each<[string, object[], string, string]>([
    ['to nowhere', [caught('a', 'z')], 'steps.0.on_error.0.goto', 'no such step'],
    ['that leads back', [call('a'), caught('b', 'a')], 'steps.1.on_error.0.goto', 'loop'],
    [
      'out of its branch',
      [parallel('p', [caught('a', 'b')]), call('b')],
      'steps.0.branches.0.steps.0.on_error.0.goto',
      'another sequence',
    ],
    [
      'behind one that takes everything',
      [
        call('a', {
          on_error: [
            { match: ['any'], goto: 'end' },
            { match: [409], goto: 'end' },
          ],
        }),
      ],
      'steps.0.on_error.1.match',
      'earlier',
    ],
    [
      'beside a step that writes errors',
      [caught('a', 'b'), call('b', { output_mapping: { errors: 'x' } })],
      'steps.1.output_mapping.errors',
      'caught errors',
    ],
    [
      'whose errors are read as a whole',
      [caught('a', 'b'), call('b', { conditions: 'has(context.errors)' })],
      'steps.1.conditions',
      'must name the step',
    ],
    [
      'and errors read of a step that catches none',
      [caught('a', 'b'), call('b', { input_mapping: { x: 'errors.b.status' } })],
      'steps.1.input_mapping.x',
      'no step b with on_error',
    ],
    [
      'whose error another branch reads',
      [
        parallel(
          'p',
          [caught('a', 'end')],
          [{ ...delay('w'), conditions: 'errors.a.status == 1' }, call('b')],
        ),
      ],
      'steps.0.branches.1.steps.0.conditions',
      'another branch',
    ],
  ])('is refused with its place: %s', (_, steps, field, message) => {
    let refusal: unknown;
    try {
      compiled(steps as never);
    } catch (fault) {
      refusal = JSON.parse((fault as Error).message);
    }
    expect(refusal).toContainEqual({ field, message: expect.stringContaining(message) as string });
  });

  it('that there is none of leaves errors a key like others', () => {
    const definition = compiled([
      call('a', { output_mapping: { errors: 'list' }, conditions: 'size(errors) == 0' }),
    ]);
    const player = new Player(definition).start({ errors: [] });
    player.ok('a', { list: [1] });
    expect(errorsOf(player)).toEqual([1]);
  });
});

describe('on_error of a step that another run stands for', () => {
  const caught = (match: unknown[], more: Fields = {}) =>
    compiled([
      call('a'),
      child('sub', { on_error: [{ match, goto: 'instead' }], ...more }),
      call('b'),
      call('instead', { input_mapping: { why: 'errors.sub.message', class: 'errors.sub.class' } }),
    ]);

  it.each([
    ['failed', 'failed', true],
    ['compensated', 'failed', true],
    ['failed', 'any', true],
    ['failed', 'unknown', false],
  ] as const)('that is %s is asked whether %s is caught', (status, match, isCaught) => {
    const player = atPay(caught([match]));
    player.child('sub', status);
    expect(player.calling).toEqual([isCaught ? 'instead' : 'a:undo']);
    if (!isCaught) return;
    expect(player.calls.at(-1)?.input).toEqual({
      why: `the sub-workflow is ${status}: why not`,
      class: 'sub_workflow',
    });
    player.status4xx('instead');
    player.ok('a:undo');
    expect(player.undone).toEqual(['a']);
  });

  it('catches a final context that cannot be mapped, and its run is undone with the rest', () => {
    const player = atPay(caught(['unusable'], { output_mapping: { id: '=output.id + 1' } }));
    player.child('sub', 'completed', { id: 'x' });
    player.status4xx('instead');
    expect(player.children).toEqual(['sub:undo']);
  });

  it('does not name what a run cannot end with, and leads to a step of its sequence', () => {
    const refused = (on_error: unknown) => {
      const found = compileDefinition(definitionOf([child('sub', { on_error }), call('b')]));
      return found instanceof Rejection ? found.errors.map(({ field }) => field) : [];
    };
    expect(refused([{ match: [402], goto: 'b' }])).toEqual(['steps.0.on_error.0.match']);
    expect(refused([{ match: ['timeout'], goto: 'b' }])).toEqual(['steps.0.on_error.0.match']);
    expect(refused([{ match: ['failed'], goto: 'nowhere' }])).toEqual(['steps.0.on_error.0.goto']);
    expect(
      refused([
        { match: ['any'], goto: 'b' },
        { match: ['failed'], goto: 'b' },
      ]),
    ).toEqual(['steps.0.on_error.1.match']);
    expect(refused([{ match: ['failed'], goto: 'b' }])).toEqual([]);
  });
});
