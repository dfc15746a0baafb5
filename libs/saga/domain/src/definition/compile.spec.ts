import { validate, workflowDefinition, type ParallelStep } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import {
  call,
  compiled,
  definitionOf,
  delay,
  fixedCall,
  joining,
  parallel,
  signalWait,
} from '../testing';
import { compileDefinition } from './compile';

type Steps = Parameters<typeof definitionOf>[0];

function refusals(steps: Steps, more: Parameters<typeof definitionOf>[1] = {}) {
  const result = compileDefinition(definitionOf(steps, more));
  return result instanceof Rejection
    ? Object.fromEntries(result.errors.map(({ field, message }) => [field, message]))
    : {};
}

const decision = (name: string, cases: Record<string, string>, otherwise?: string) => ({
  name,
  type: 'decision',
  cases: Object.entries(cases).map(([when, goto]) => ({ when, goto })),
  ...(otherwise === undefined ? {} : { default: otherwise }),
});

const map = (name: string, steps: Steps, more: object = {}) => ({
  name,
  type: 'map',
  items: 'rows',
  steps,
  ...more,
});

describe('a definition', () => {
  it('is compiled once, with its steps in reading order', () => {
    const definition = compiled([
      call('a'),
      parallel('p', [call('b')], [delay('c', 1)]),
      call('d'),
    ]);
    expect(
      [...definition.steps.values()].map(({ name, place, next, parent, group }) => [
        name,
        place,
        next,
        parent,
        group,
      ]),
    ).toEqual([
      ['a', 1, 'p', undefined, 'a'],
      ['p', 2, 'd', undefined, 'p'],
      ['b', 3, 'end', 'p', 'p'],
      ['c', 4, 'end', 'p', 'p'],
      ['d', 5, 'end', undefined, 'd'],
    ]);
  });

  it.each<[string, Steps, Record<string, RegExp>]>([
    ['two steps of one name', [call('a'), call('a')], { 'steps.1.name': /steps\.0 too/ }],
    [
      'the name of a step in a branch',
      [call('a'), parallel('p', [call('a')])],
      { 'steps.1.branches.0.steps.0.name': /steps\.0 too/ },
    ],
    ['a step named end', [call('end')], { 'steps.0.name': /end/ }],
    [
      'two branches of one name',
      [
        {
          name: 'p',
          type: 'parallel',
          branches: [
            { name: 'x', steps: [call('a')] },
            { name: 'x', steps: [call('b')] },
          ],
        },
      ],
      { 'steps.0.branches.1.name': /another branch/ },
    ],
    [
      'an order that is not the place',
      [call('a', { order: 1 }), call('b', { order: 3 })],
      { 'steps.1.order': /must be 2/ },
    ],
    [
      'an unknown goto',
      [decision('d', { 'x > 1': 'nowhere' })],
      { 'steps.0.cases.0.goto': /no such step/ },
    ],
    [
      'an unknown default',
      [decision('d', { x: 'end' }, 'nowhere')],
      { 'steps.0.default': /no such/ },
    ],
    ['an unknown next', [call('a', { next: 'nowhere' })], { 'steps.0.next': /no such step/ }],
    [
      'a goto out of its branch',
      [parallel('p', [decision('d', { x: 'z' })]), call('z')],
      { 'steps.0.branches.0.steps.0.cases.0.goto': /another sequence \(steps\.1\)/ },
    ],
    [
      'a goto into a branch',
      [decision('d', { x: 'a' }), parallel('p', [call('a')])],
      { 'steps.0.cases.0.goto': /another sequence/ },
    ],
    [
      'a loop',
      [call('a'), call('b'), decision('d', { x: 'a' })],
      { 'steps.2.cases.0.goto': /back to a/ },
    ],
    ['a step that leads to itself', [call('a', { next: 'a' })], { 'steps.0.next': /back to a/ }],
    [
      'a step that cannot be reached',
      [call('a', { next: 'c' }), call('b'), call('c')],
      { 'steps.1': /b can never be reached/ },
    ],
    [
      'a step behind the end',
      [call('a', { next: 'end' }), call('b')],
      { 'steps.1': /never be reached/ },
    ],
    [
      'a decision all of whose ways lead past a step',
      [decision('d', { x: 'c' }, 'c'), call('b'), call('c')],
      { 'steps.1': /never be reached/ },
    ],
    [
      'a condition that does not parse',
      [call('a', { conditions: 'x >' })],
      { 'steps.0.conditions': /parse/ },
    ],
    [
      'a condition that is a number',
      [call('a', { conditions: '1 + 1' })],
      { 'steps.0.conditions': /true or false/ },
    ],
    [
      'a case that does not parse',
      [decision('d', { '(': 'end' })],
      { 'steps.0.cases.0.when': /parse/ },
    ],
    [
      'a mapping that does not parse',
      [call('a', { input_mapping: { x: '=1 +' } })],
      { 'steps.0.input_mapping.x': /parse/ },
    ],
    [
      'a mapping of an undo that does not parse',
      [
        call('a', {
          compensation_action: { service_name: 'a', endpoint: '/u', input_mapping: { x: 'a b' } },
        }),
      ],
      { 'steps.0.compensation_action.input_mapping.x': /path/ },
    ],
    [
      'a function that CEL does not have',
      [call('a', { conditions: 'now() > 1' })],
      { 'steps.0.conditions': /now is not known/ },
    ],
    [
      'a regular expression',
      [call('a', { conditions: 'order.name.matches("(a+)+$")' })],
      { 'steps.0.conditions': /matches/ },
    ],
    [
      'writing a reserved name',
      [call('a', { output_mapping: { output: 'id' } })],
      { 'steps.0.output_mapping.output': /reserved/ },
    ],
    [
      'writing a prototype',
      [call('a', { output_mapping: { constructor: 'id' } })],
      { 'steps.0.output_mapping.constructor': /cannot be used/ },
    ],
    [
      'branches that write one key',
      [
        parallel(
          'p',
          [call('a', { output_mapping: { id: 'x' } })],
          [call('b', { output_mapping: { id: 'y' } })],
        ),
      ],
      { 'steps.0.branches.1.steps.0.output_mapping.id': /branch branch-0 too/ },
    ],
    [
      'a branch that reads what another writes',
      [
        parallel(
          'p',
          [parallel('q', [call('a', { output_mapping: { id: 'x' } })])],
          [call('b', { input_mapping: { id: '=context.id' } })],
        ),
      ],
      { 'steps.0.branches.1.steps.0.input_mapping.id': /branch branch-0 writes/ },
    ],
    [
      'a delay longer than the workflow',
      [delay('a', 3_600)],
      { 'steps.0.delay_seconds': /time-out of 3600 s/ },
    ],
    [
      'a race that could be cancelled',
      [joining('settle', 'p', [joining('race', 'q', [call('a')])])],
      { 'steps.0.branches.0.steps.0.join': /inside p, whose join is settle/ },
    ],
    [
      'a race in an item that could be',
      [map('m', [joining('race', 'q', [call('a')])], { join: 'settle' })],
      { 'steps.0.steps.0.join': /inside m/ },
    ],
    [
      'more steps than a run may have, items counted',
      [map('m', [call('a'), call('b'), call('c'), call('d')])],
      { 'steps.0.max_items': /more than 480 steps/ },
    ],
    [
      'maps that multiply',
      [map('m', [map('n', [call('a')], { max_items: 30 })], { max_items: 30 })],
      { 'steps.0.steps.0.max_items': /more than 480/ },
    ],
    [
      'an item under a reserved name',
      [map('m', [call('a')], { as: 'context' })],
      { 'steps.0.as': /reserved/ },
    ],
    [
      'collecting under a reserved name',
      [map('m', [call('a')], { collect: { output: 'x' } })],
      { 'steps.0.collect.output': /reserved/ },
    ],
    [
      'items that do not parse',
      [map('m', [call('a')], { items: '=1 +' })],
      { 'steps.0.items': /parse/ },
    ],
    [
      'a collection that does not parse',
      [map('m', [call('a')], { collect: { x: 'a b' } })],
      { 'steps.0.collect.x': /path/ },
    ],
    [
      'the name of a step in a map',
      [call('a'), map('m', [call('a')])],
      { 'steps.1.steps.0.name': /steps\.0 too/ },
    ],
    [
      'a goto out of an item',
      [map('m', [decision('d', { x: 'z' })]), call('z')],
      { 'steps.0.steps.0.cases.0.goto': /another sequence/ },
    ],
    [
      'a collection that another branch writes too',
      [
        parallel(
          'p',
          [call('a', { output_mapping: { id: 'x' } })],
          [map('m', [call('b')], { collect: { id: 'item' } })],
        ),
      ],
      { 'steps.0.branches.1.steps.0.collect.id': /branch branch-0 too/ },
    ],
    [
      'a map over what another branch writes',
      [
        parallel(
          'p',
          [call('a', { output_mapping: { rows: 'x' } })],
          [map('m', [call('b', { input_mapping: { x: 'rows' } })], { items: 'rows.new' })],
        ),
      ],
      {
        'steps.0.branches.1.steps.0.items': /branch branch-0 writes/,
        'steps.0.branches.1.steps.0.steps.0.input_mapping.x': /branch branch-0 writes/,
      },
    ],
    [
      'a payload that does not parse',
      [{ name: 'a', type: 'publish', event: 'said', payload: { x: '=1 +' } }],
      { 'steps.0.payload.x': /parse/ },
    ],
    [
      'publishing what another branch writes',
      [
        parallel(
          'p',
          [call('a', { output_mapping: { id: 'x' } })],
          [{ name: 'b', type: 'publish', event: 'said', payload: { x: 'id' } }],
        ),
      ],
      { 'steps.0.branches.1.steps.0.payload.x': /branch branch-0 writes/ },
    ],
    [
      'delays that do not fit into the workflow together',
      [delay('a', 1_800), delay('b', 1_800)],
      { timeout_minutes: /every way through the delays take at least 3600 s/ },
    ],
    [
      'branches of which one does not fit with what follows',
      [parallel('p', [delay('a', 2_400)], [delay('b', 60)]), delay('c', 1_200)],
      { timeout_minutes: /3600 s/ },
    ],
    [
      'ways that are all too long',
      [
        decision('way', { 'total > 1': 'b' }),
        delay('a', 1_200),
        delay('b', 2_400),
        delay('c', 1_200),
      ],
      { timeout_minutes: /3600 s/ },
    ],
    [
      'a wait longer than the workflow',
      [signalWait('a', { timeout_seconds: 3_600 })],
      { 'steps.0.timeout_seconds': /time-out of 3600 s/ },
    ],
    [
      'a default that is never taken',
      [signalWait('a', { default: { approved: false } })],
      { 'steps.0.default': /without timeout_seconds/ },
    ],
    [
      'a payload that writes what another branch writes',
      [
        parallel(
          'p',
          [call('a', { output_mapping: { id: 'x' } })],
          [signalWait('b', { output_mapping: { id: 'y' } })],
        ),
      ],
      { 'steps.0.branches.1.steps.0.output_mapping.id': /branch branch-0 too/ },
    ],
    [
      'a payload that writes a reserved name',
      [signalWait('a', { output_mapping: { context: 'id' } })],
      { 'steps.0.output_mapping.context': /reserved/ },
    ],
    [
      'retries that cannot fit the time-out',
      [
        call('a', {
          retry_policy: {
            max_retries: 100,
            initial_delay_ms: 60_000,
            max_delay_ms: 60_000,
            jitter: 0.2,
          },
        }),
      ],
      { 'steps.0.retry_policy': /at least 4800 s .* 3600 s/ },
    ],
    [
      'too deep a nesting',
      [
        parallel('p1', [
          parallel('p2', [parallel('p3', [parallel('p4', [parallel('p5', [call('a')])])])]),
        ]),
      ],
      {
        [`steps.0${'.branches.0.steps.0'.repeat(4)}`]: /deeper than 4/,
      },
    ],
    [
      'too many steps',
      Array.from({ length: 6 }, (_, branch) =>
        parallel(
          `p${branch}`,
          Array.from({ length: 99 }, (_, index) => fixedCall(`s${branch}-${index}`)),
        ),
      ),
      { steps: /at most 500/ },
    ],
  ])('refuses %s', (_, steps, expected) => {
    const errors = refusals(steps);
    expect(Object.keys(errors)).toEqual(expect.arrayContaining(Object.keys(expected)));
    for (const [field, message] of Object.entries(expected)) expect(errors[field]).toMatch(message);
  });

  it('lets branches of a race, and items, write what they like: nobody else sees it', () => {
    const writing = (name: string) => call(name, { output_mapping: { id: 'x' } });
    const reading = { input_mapping: { id: 'id', item: 'item' } };
    expect(refusals([joining('race', 'p', [writing('a')], [writing('b')])])).toEqual({});
    expect(
      refusals([
        parallel(
          'p',
          [map('m', [writing('a'), call('b', reading)], { collect: { left: 'id' }, max_items: 9 })],
          [
            map('n', [writing('c'), call('d', reading)], {
              collect: { right: 'id' },
              max_items: 9,
            }),
          ],
        ),
      ]),
    ).toEqual({});
  });

  it('joins all branches where it was registered before there was a choice', () => {
    const definition = definitionOf([parallel('p', [call('a')])]);
    const { join: _, ...old } = definition.steps[0] as ParallelStep;
    const result = compileDefinition({ ...definition, steps: [old] });
    expect(result instanceof Rejection ? result : result.steps.get('p')).toMatchObject({
      join: 'all',
    });
  });

  it('names every fault at once', () => {
    expect(
      Object.keys(
        refusals([
          call('a', { conditions: '(' }),
          decision('d', { '(': 'nowhere' }),
          call('b', { order: 7 }),
        ]),
      ),
    ).toEqual(
      expect.arrayContaining([
        'steps.0.conditions',
        'steps.1.cases.0.when',
        'steps.1.cases.0.goto',
        'steps.2.order',
      ]),
    );
  });

  it.each([
    [{ name: 'a', type: 'service_call' }, ['steps.0.service_name', 'steps.0.endpoint']],
    [{ name: 'a', type: 'call' }, ['steps.0.type']],
    [{ name: 'a', type: 'wait_for_signal', signal: 'A b' }, ['steps.0.signal']],
    [{ name: 'a', type: 'delay', delay_seconds: 1, until: 2 }, ['steps.0.until']],
    [
      {
        name: 'p',
        type: 'parallel',
        branches: [{ name: 'b', steps: [{ name: 'a', type: 'delay' }] }],
      },
      ['steps.0.branches.0.steps.0.delay_seconds'],
    ],
  ])('of the wrong shape is refused by the contract, field by field: %j', (step, fields) => {
    const parsed = validate(workflowDefinition, { name: 'book', steps: [step] });
    expect(parsed instanceof Rejection && parsed.errors.map(({ field }) => field)).toEqual(fields);
  });

  it('may go backwards in the array as long as no loop forms', () => {
    expect(
      refusals([
        call('a', { next: 'd' }),
        call('b', { next: 'end' }),
        decision('d', { x: 'b' }, 'end'),
      ]),
    ).toEqual({});
  });

  it.each([
    [
      'a way around',
      [decision('way', { 'total > 1': 'end' }), delay('a', 2_000), delay('b', 2_000)],
    ],
    ['a condition', [delay('a', 2_000), { ...delay('b', 2_000), conditions: 'total > 1' }]],
    ['an empty list', [delay('a', 2_000), map('m', [delay('b', 2_000)])]],
    ['a race', [joining('race', 'p', [delay('a', 2_000)], [delay('b', 60)]), delay('c', 2_000)]],
  ])('may have delays that fit into its time-out thanks to %s', (_, steps) => {
    expect(refusals(steps)).toEqual({});
  });

  it('may end a branch, and skip inside of one', () => {
    expect(
      refusals([
        parallel('p', [decision('d', { x: 'end' }, 'b'), call('a', { next: 'b' }), call('b')]),
      ]),
    ).toHaveProperty(['steps.0.branches.0.steps.1']);
    expect(refusals([parallel('p', [decision('d', { x: 'end' }), call('a')])])).toEqual({});
  });

  describe('of a compensation', () => {
    const undoReading = (source: string) => ({
      compensation_action: { service_name: 'a', endpoint: '/u', input_mapping: { id: source } },
    });
    const writing = (key: string) => ({ output_mapping: { [key]: 'id' } });

    it.each<[string, Steps]>([
      [
        'what only a later step writes',
        [call('a', undoReading('late_id')), call('b', writing('late_id'))],
      ],
      [
        'the same in CEL',
        [call('a', undoReading('=late_id + "x"')), call('b', writing('late_id'))],
      ],
      [
        'what the other arm of a decision writes',
        [
          decision('d', { x: 'a' }, 'b'),
          call('a', { ...undoReading('late_id'), next: 'end' }),
          call('b', writing('late_id')),
        ],
      ],
    ])('refuses %s', (_, steps) => {
      const fields = Object.keys(refusals(steps));
      expect(fields).toHaveLength(1);
      expect(fields[0]).toMatch(/compensation_action\.input_mapping\.id$/);
    });

    it.each<[string, Steps]>([
      ['start data', [call('a', undoReading('order.id'))]],
      ['its own answer', [call('a', undoReading('output.id'))]],
      ['what its own step writes', [call('a', { ...undoReading('id'), ...writing('id') })]],
      ['what a step before writes', [call('a', writing('id')), call('b', undoReading('id'))]],
      [
        'what a step in a branch before writes',
        [parallel('p', [call('a', writing('id'))]), parallel('q', [call('b', undoReading('id'))])],
      ],
      [
        'what a step before and one behind write',
        [call('a', writing('id')), call('b', undoReading('id')), call('c', writing('id'))],
      ],
    ])('allows %s', (_, steps) => expect(refusals(steps)).toEqual({}));
  });
});
