import { Rejection, type Json } from '@downbeat/eventsourcing';
import fc from 'fast-check';
import { call, child, compiled, parallel, Player, RUN_ID, signalWait } from '../testing';
import { progressOf } from '../views/progress';
import { evolveRunView, type RunView } from '../views/run-view';
import { isRequest, nameOf, type CompiledDefinition } from '../definition/compiled';
import { cancelledAround } from './branches';
import { causeOf } from './cause';
import type { CallResult, RunCommand } from './commands';
import { runDecider } from './decide';
import { effectsOf, pendingEffects, type Effect } from './effects';
import type { FailedCall, IncidentAction, RunEvent } from './events';
import { evolveRun } from './evolve';
import { isUndoable, planOf } from './plan';
import { isInside, spotOf } from './spot';
import { awaiting, isStarted, NOT_STARTED, type RunState } from './state';

type Step = Readonly<Record<string, unknown>>;

/** What a step may be, before it has a name and a place. */
type Shape =
  | {
      kind: 'call';
      retries: number;
      isOptional: boolean;
      undo: 'plain' | 'picky' | 'none';
      when?: string;
      isStrict: boolean;
      isUndoneWhenFailed: boolean;
      rules?: object[];
      caught?: { match: unknown[]; jump: number };
    }
  | { kind: 'decision'; jump: number; when: string }
  | { kind: 'delay' }
  | { kind: 'publish'; source: string }
  | { kind: 'child'; caught?: { match: unknown[]; jump: number } }
  | { kind: 'signal'; wait: 'endless' | 'bounded' | 'with-default'; isStrict: boolean }
  | { kind: 'parallel'; join: Join; branches: Shape[][] }
  | {
      kind: 'map';
      join: Join;
      list: string;
      concurrency: number;
      collect: string;
      steps: Shape[];
    };

type Join = 'all' | 'settle' | 'race';

const condition = fc.constantFrom('flag', '!flag', 'true', 'count > 2', 'missing.key');
/** A race may not stand where it could be cancelled. */
const shape = (depth: number, joins: readonly Join[]): fc.Arbitrary<Shape> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('call' as const),
        retries: fc.integer({ min: 0, max: 2 }),
        isOptional: fc.boolean(),
        undo: fc.constantFrom(
          'plain' as const,
          'plain' as const,
          'picky' as const,
          'none' as const,
        ),
        when: fc.option(condition, { nil: undefined, freq: 4 }),
        isStrict: fc.boolean(),
        isUndoneWhenFailed: fc.boolean(),
        rules: fc.option(
          fc.constantFrom(
            [
              { match: ['timeout'], max_retries: 2 },
              { match: ['4xx'], max_retries: 1 },
            ],
            [{ match: [503, 409], max_retries: 0 }, { match: ['any'] }],
          ),
          { nil: undefined, freq: 2 },
        ),
        caught: fc.option(
          fc.record({
            match: fc.constantFrom(['any'], ['unknown'], ['5xx', 409], ['failed', 'unusable']),
            jump: fc.integer({ min: 1, max: 3 }),
          }),
          { nil: undefined, freq: 2 },
        ),
      }) as fc.Arbitrary<Shape>,
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('decision' as const),
        jump: fc.integer({ min: 1, max: 3 }),
        when: condition,
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'delay' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('child' as const),
        caught: fc.option(
          fc.record({
            match: fc.constantFrom(['any'], ['failed'], ['unknown', 'unusable']),
            jump: fc.integer({ min: 1, max: 3 }),
          }),
          { nil: undefined, freq: 2 },
        ),
      }) as fc.Arbitrary<Shape>,
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('publish' as const),
        source: fc.constantFrom('count', '=count + 1', '=missing.key'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('signal' as const),
        wait: fc.constantFrom('endless' as const, 'bounded' as const, 'with-default' as const),
        isStrict: fc.boolean(),
      }),
    },
    ...(depth > 0
      ? [
          {
            weight: 3,
            arbitrary: fc.constantFrom(...joins).chain((join) =>
              fc.record({
                kind: fc.constant('parallel' as const),
                join: fc.constant(join),
                branches: fc.array(shapes(depth - 1, 3, inside(join, joins)), {
                  minLength: 1,
                  maxLength: 3,
                }),
              }),
            ) as fc.Arbitrary<Shape>,
          },
          {
            weight: 2,
            arbitrary: fc.constantFrom('all' as const, 'settle' as const).chain((join) =>
              fc.record({
                kind: fc.constant('map' as const),
                join: fc.constant(join),
                list: fc.constantFrom('list', 'list', 'none', '=[1, 2]', 'missing.key', 'count'),
                concurrency: fc.integer({ min: 1, max: 3 }),
                collect: fc.constantFrom('item', '=item * 2', '=nothing.there', 'nothing.there'),
                steps: shapes(depth - 1, 2, inside(join, joins)),
              }),
            ) as fc.Arbitrary<Shape>,
          },
        ]
      : []),
  );
const shapes = (depth: number, maxLength: number, joins: readonly Join[]): fc.Arbitrary<Shape[]> =>
  fc.array(shape(depth, joins), { minLength: 1, maxLength });
const inside = (join: Join, joins: readonly Join[]): readonly Join[] =>
  join === 'all' ? joins : ['all', 'settle'];

function stepsOf(sequence: readonly Shape[], prefix: string): readonly Step[] {
  const nameAt = (at: number) => (at < sequence.length ? `${prefix}${at}` : undefined);
  return sequence.map((item, index): Step => {
    const name = `${prefix}${index}`;
    switch (item.kind) {
      case 'delay':
        return { name, type: 'delay', delay_seconds: 2 };
      case 'child':
        return child(name, {
          output_mapping: { [name]: 'id' },
          ...(item.caught
            ? {
                on_error: [
                  { match: item.caught.match, goto: nameAt(index + item.caught.jump) ?? 'end' },
                ],
              }
            : {}),
        });
      case 'publish':
        return { name, type: 'publish', event: 'said', payload: { count: item.source } };
      case 'signal':
        return signalWait(name, {
          signal: index % 2 === 0 ? 'even' : 'odd',
          output_mapping: item.isStrict ? { [name]: '=output.id' } : { [name]: 'id' },
          ...(item.wait === 'endless' ? {} : { timeout_seconds: 30 }),
          ...(item.wait === 'with-default' ? { default: { id: 0 } } : {}),
        });
      case 'parallel':
        return {
          ...parallel(
            name,
            ...item.branches.map((branch, number) => stepsOf(branch, `${name}-${number}-`)),
          ),
          join: item.join,
        };
      case 'map':
        return {
          name,
          type: 'map',
          items: item.list,
          max_items: 4,
          concurrency: item.concurrency,
          join: item.join,
          steps: stepsOf(item.steps, `${name}-`),
          collect: { [`${name}-list`]: item.collect },
        };
      case 'decision': {
        const goto = nameAt(index + item.jump) ?? 'end';
        // Its default is the following step, so nothing becomes unreachable.
        return { name, type: 'decision', cases: [{ when: item.when, goto }] };
      }
      case 'call':
        return call(name, {
          optional: item.isOptional,
          ...(item.when === undefined ? {} : { conditions: item.when }),
          input_mapping: { flag: 'flag', count: '=context.count + 1' },
          output_mapping: item.isStrict ? { [name]: '=output.id' } : { [name]: 'id' },
          retry_policy: { max_retries: item.retries, initial_delay_ms: 50, rules: item.rules },
          ...(item.caught
            ? {
                on_error: [
                  { match: item.caught.match, goto: nameAt(index + item.caught.jump) ?? 'end' },
                ],
              }
            : {}),
          ...(item.undo === 'none'
            ? { compensation_action: undefined }
            : {
                compensation_action: {
                  service_name: name,
                  endpoint: '/undo',
                  retry_policy: { max_retries: 1, initial_delay_ms: 50 },
                  input_mapping: item.undo === 'plain' ? { id: name } : { id: '=output.id' },
                },
                undo_failed_step: item.isUndoneWhenFailed,
              }),
        });
    }
  });
}

const definitions = fc
  .record({
    sequence: shapes(2, 5, ['all', 'settle', 'race']),
    strategy: fc.constantFrom('all', 'all', 'partial', 'partial', 'none', 'custom'),
    timeout: fc.constantFrom(1, 60),
    savepoints: fc.subarray([0, 1, 2], { maxLength: 2 }),
  })
  .map(({ sequence, strategy, timeout, savepoints }) => {
    const steps = stepsOf(sequence, 's').map((made, index) =>
      savepoints.includes(index) ? { ...made, savepoint: true } : made,
    );
    const undoable = steps.flatMap(({ name, compensation_action }) =>
      compensation_action === undefined ? [] : [name],
    );
    const isCustom = strategy === 'custom' && undoable.length > 0;
    return remembered(steps, {
      compensation_strategy: strategy === 'custom' && !isCustom ? 'all' : strategy,
      ...(isCustom ? { compensation_steps: undoable.slice(0, 2) } : {}),
      timeout_minutes: timeout,
    });
  });

interface Source {
  readonly steps: readonly Step[];
  readonly more: Step;
}
const sources = new WeakMap<CompiledDefinition, Source>();

function remembered(steps: readonly Step[], more: Step): CompiledDefinition {
  const made = compiled(steps, more);
  sources.set(made, { steps, more });
  return made;
}

const CHANGES = ['none', 'more', 'fewer', 'elsewhere', 'undo', 'between', 'swapped', 'strategy'];

/** Another version of it; undefined when that would be none. */
function changedBy(
  definition: CompiledDefinition,
  { change, pick }: { readonly change: string; readonly pick: number },
  version: string,
): CompiledDefinition | undefined {
  const { steps, more } = sources.get(definition) ?? { steps: [], more: {} };
  const at = pick % steps.length;
  const one = steps[at] ?? {};
  const undo = one['compensation_action'];
  const changed = {
    none: steps,
    more: [...steps, call(`more-${version.length}-${pick % 3}`)],
    fewer: steps.length > 1 ? steps.slice(0, -1) : steps,
    elsewhere: 'endpoint' in one ? steps.with(at, { ...one, endpoint: `/v${pick}` }) : steps,
    undo: undo
      ? steps.with(at, { ...one, compensation_action: { ...undo, endpoint: `/v${pick}` } })
      : steps,
    between: steps.toSpliced(at, 0, call(`between-${pick % 3}`)),
    swapped: [...steps.slice(at), ...steps.slice(0, at)],
    strategy: steps,
  }[change];
  const compensation_strategy = ['all', 'partial', 'none'][pick % 3];
  const { compensation_steps: _, ...rest } = more;
  const other = change === 'strategy' ? { ...rest, compensation_strategy } : more;
  try {
    return remembered(changed ?? [], { ...other, version });
  } catch (fault) {
    if (fault instanceof RangeError) return undefined;
    throw fault;
  }
}

/** What the world does next; numbers pick among what is possible then. */
type Act =
  | { act: 'answer' | 'timer' | 'stale'; pick: number; result: CallResult; chance: number }
  | { act: 'hold'; pick: number }
  | { act: 'crash' }
  | { act: 'signal'; signal: 'even' | 'odd'; payload: Json }
  | {
      act: 'retry';
      strategy: 'failed_steps' | 'current_step' | 'from_step';
      place: number;
      patch?: object | undefined;
    }
  | { act: 'pause'; forMs: number }
  | { act: 'resume' }
  | { act: 'archive' }
  | { act: 'resolve'; action: 'retry' | 'skip' | 'done_by_hand' }
  | { act: 'compensate'; strategy: 'all' | 'partial' | undefined }
  | { act: 'migrate'; change: string; pick: number };

const result: fc.Arbitrary<CallResult> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<CallResult>({ kind: 'ok', output: { id: 7 } }) },
  { weight: 1, arbitrary: fc.constant<CallResult>({ kind: 'ok', output: null }) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(302, 404, 409, 429, 500, 502, 503, 504)
      .map((status): CallResult => ({ kind: 'answer', status, message: 'm', retry_after_ms: 80 })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('refused' as const, 'broken' as const, 'timeout' as const)
      .map((kind): CallResult => ({ kind, message: kind })),
  },
  { weight: 1, arbitrary: fc.constant<CallResult>({ kind: 'oversized', message: 'too much' }) },
);
const step = <Kind extends Act['act']>(act: Kind) =>
  fc.record({
    act: fc.constant(act),
    pick: fc.nat(),
    result,
    chance: fc.double({ min: 0, max: 1, noNaN: true }),
  });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 10, arbitrary: step('answer') as fc.Arbitrary<Act> },
  { weight: 4, arbitrary: step('timer') as fc.Arbitrary<Act> },
  { weight: 2, arbitrary: step('stale') as fc.Arbitrary<Act> },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('hold' as const), pick: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.constant<Act>({ act: 'crash' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('signal' as const),
      signal: fc.constantFrom('even' as const, 'odd' as const),
      payload: fc.constantFrom({ id: 5 }, {}, null),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('retry' as const),
      strategy: fc.constantFrom(
        'failed_steps' as const,
        'current_step' as const,
        'from_step' as const,
      ),
      place: fc.integer({ min: 1, max: 8 }),
      patch: fc.option(fc.constantFrom({ flag: false }, { count: 1, key: { more: 2 } }), {
        nil: undefined,
      }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('pause' as const),
      forMs: fc.constantFrom(0, 40, 5_000_000),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Act>({ act: 'resume' }) },
  { weight: 2, arbitrary: fc.constant<Act>({ act: 'archive' }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('resolve' as const),
      action: fc.constantFrom('retry' as const, 'skip' as const, 'done_by_hand' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('compensate' as const),
      strategy: fc.constantFrom('all' as const, 'partial' as const, undefined),
    }),
  },
);
const acts: fc.Arbitrary<Act[]> = fc.array(act, { maxLength: 40 });
const migration = fc.record({
  act: fc.constant('migrate' as const),
  change: fc.constantFrom(...CHANGES),
  pick: fc.nat(),
});
/** The same, and operators have the run go by other versions of its definition. */
const migratingActs: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof({ weight: 6, arbitrary: act }, { weight: 1, arbitrary: migration }),
  { maxLength: 40 },
);

/** More of them by hand: `DOWNBEAT_PROPERTY_RUNS=5000`. */
const RUNS = Number(process.env['DOWNBEAT_PROPERTY_RUNS'] ?? 100);

const ACTS_MAX = 2_000;

/** Plays `script`, then goes on with good answers until the run has ended. */
function play(
  definition: CompiledDefinition,
  script: readonly Act[],
  check: (player: Player) => void,
) {
  const player = new Player(definition);
  // Some began under the first rules.
  if (script.length % 4 === 0) player.rules = undefined;
  player.start({ flag: true, count: 3, list: [1, 2, 3], none: [] });
  const answered: RunCommand[] = [];
  check(player);
  const perform = (act: Act): void => {
    switch (act.act) {
      case 'crash':
        player.crash();
        return;
      case 'migrate': {
        const to = changedBy(player.definition, act, `2.0.${player.appends.length}`);
        if (to) player.migrate(to);
        return;
      }
      case 'signal':
        player.signal(act.signal, act.payload);
        return;
      case 'retry':
        player.retry({
          retry_strategy: act.strategy,
          ...(act.strategy === 'from_step' ? { from_step: act.place } : {}),
          ...(act.patch ? { context_patch: act.patch } : {}),
        });
        return;
      case 'pause':
        player.pause();
        player.now += act.forMs;
        return;
      case 'resume':
        player.resume();
        return;
      case 'archive':
        player.archive();
        return;
      case 'resolve':
        player.resolve(act.action);
        return;
      case 'compensate':
        player.compensate(act.strategy ? { compensation_strategy: act.strategy } : {});
        return;
      case 'hold': {
        const name = player.calling[act.pick % Math.max(player.calling.length, 1)];
        if (name !== undefined) player.hold(name);
        return;
      }
      case 'stale': {
        const old = answered[act.pick % Math.max(answered.length, 1)];
        if (old) expect(player.say(old)).toEqual([]);
        return;
      }
      case 'timer': {
        const timer = player.timers[act.pick % Math.max(player.timers.length, 1)];
        if (timer !== undefined) player.due(timer);
        return;
      }
      case 'answer': {
        const other = player.children[act.pick % Math.max(player.children.length, 1)];
        if (other !== undefined && (act.chance < 0.5 || player.calling.length === 0)) {
          const isFine = act.result.kind === 'ok' && !other.endsWith(':undo');
          const bad = act.chance < 0.2 && !other.endsWith(':undo') ? 'failed' : 'compensated';
          player.child(other, isFine ? 'completed' : bad, { id: 7 });
          return;
        }
        const name = player.calling[act.pick % Math.max(player.calling.length, 1)];
        if (name === undefined) return;
        const effect = player.outstanding.get(`${RUN_ID}:${name}`);
        if (effect?.effect !== 'call') throw new Error('not a call');
        player.chance = act.chance;
        if (effect.isHeld) player.release(name);
        player.answer(name, act.result);
        const { purpose, step: asked, attempt, reissued } = effect;
        answered.push({
          type: 'CallAnswered',
          at: player.at,
          chance: act.chance,
          data: { purpose, step: asked, attempt, result: act.result, reissued },
        });
      }
    }
  };
  for (const act of script) {
    perform(act);
    check(player);
  }
  const good: CallResult = { kind: 'ok', output: { id: 7 } };
  for (let count = 0; count < ACTS_MAX && !hasEnded(player); count++) {
    if (player.calling.length + player.children.length > 0)
      perform({ act: 'answer', pick: 0, result: good, chance: 0 });
    else if (player.timers.some((id) => id !== 'timeout'))
      player.due(player.timers.find((id) => id !== 'timeout') ?? '');
    else if (isPaused(player)) player.resume();
    else if (isParked(player)) seeTo(player, count);
    else if (awaited(player)) player.signal(awaited(player) ?? '', { id: 6 });
    else throw new Error('nothing is outstanding, and the run has not ended');
    check(player);
  }
  return player;
}

const hasEnded = (player: Player): boolean => player.outstanding.has('ended');
const isPaused = (player: Player): boolean => player.outstanding.has('paused');
const isParked = ({ state }: Player): boolean => isStarted(state) && state.incident !== undefined;
const awaited = ({ state }: Player): string | undefined => {
  if (!isStarted(state)) return undefined;
  const waiting = [...state.steps.values()].find(({ status }) => status === 'awaiting');
  return waiting?.status === 'awaiting' ? waiting.signal : undefined;
};
/** An undo that cannot be formed cannot be tried again with success: somebody has to say what becomes of it. */
const seeTo = (player: Player, count: number): void => {
  const isInput = isStarted(player.state) && player.state.incident?.kind === 'undo_input';
  if (isInput) player.resolve(count % 2 === 0 ? 'skip' : 'done_by_hand');
  else if (count % 2 === 0) player.retry();
  else player.resolve('retry');
};
const withoutReissue = (effect: Effect): Effect =>
  effect.effect === 'call' ? { ...effect, reissued: false } : effect;
const sorted = (effects: Iterable<Effect>): readonly string[] =>
  [...effects].map((effect) => JSON.stringify(withoutReissue(effect))).toSorted();

type Check = (definition: CompiledDefinition, script: readonly Act[]) => void;
const property = (check: Check) => () =>
  fc.assert(fc.property(definitions, acts, check), { numRuns: RUNS });
const migratingProperty = (check: Check) => () =>
  fc.assert(fc.property(definitions, migratingActs, check), { numRuns: RUNS });

describe('any run of any definition, whatever the world does', () => {
  jest.setTimeout(60_000 + RUNS * 100);

  it(
    'ends in exactly one way, and then is still',
    migratingProperty((definition, script) => {
      const player = play(definition, script, () => undefined);
      expect(hasEnded(player)).toBe(true);
      expect([...player.outstanding.keys()]).toEqual(['ended']);
      for (const id of ['timeout', 'retry:s0:1', 'delay:s0', 'signal:s0', 'undo:s0:1'])
        expect(player.say({ type: 'TimerDue', at: player.at, data: { timer_id: id } })).toEqual([]);
      // Between two ends lies an operator's command.
      let hasEndedBefore = false;
      for (const { type } of player.events) {
        if (type === 'CompensationRequested' || type === 'RunRetried') hasEndedBefore = false;
        if (!/^Workflow(Completed|Failed|Compensated)$/.test(type)) continue;
        expect(hasEndedBefore).toBe(false);
        hasEndedBefore = true;
      }
    }),
  );

  it(
    'leaves outstanding what the state alone says is outstanding',
    migratingProperty((definition, script) => {
      play(definition, script, (player) => {
        // What a paused run has under way is only awaited: nobody makes it again before it is resumed.
        const outstanding = [...player.outstanding.values()].filter(
          ({ effect }) => !isPaused(player) || (effect !== 'call' && effect !== 'run-child'),
        );
        expect(sorted(outstanding)).toEqual(
          sorted(pendingEffects(player.definition, player.state)),
        );
      });
    }),
  );

  it(
    'is the same state folded from its events',
    migratingProperty((definition, script) => {
      const player = play(definition, script, () => undefined);
      const stored = JSON.parse(JSON.stringify(player.events)) as RunEvent[];
      const folded = stored.reduce<RunState>(evolveRun, NOT_STARTED);
      expect(folded).toEqual(player.state);
    }),
  );

  it(
    'can be decided again from its events alone',
    migratingProperty((definition, script) => {
      const { appends, definitions: known } = play(definition, script, () => undefined);
      let decider = runDecider(definition);
      let state: RunState = NOT_STARTED;
      for (const recorded of appends) {
        const migrated = recorded.find((event) => event.type === 'WorkflowMigrated');
        const target = migrated && known.get(migrated.data.to_version);
        const cause = causeOf(recorded, state, target);
        expect(cause).toBeDefined();
        if (!cause) return;
        const decision = decider.decide(cause, state);
        expect(decision).toEqual(recorded);
        state = recorded.reduce(decider.evolve, state);
        if (target) decider = runDecider(target);
      }
    }),
  );

  it(
    'never calls a completed step again, nor one attempt twice but after a take-over',
    migratingProperty((definition, script) => {
      const player = play(definition, script, () => undefined);
      const done = new Set<string>();
      const begun = new Set<string>();
      for (const { type, data } of player.events) {
        if (type === 'StepCompleted') done.add(data.step);
        if (type !== 'StepStarted' && type !== 'StepRetried') continue;
        expect(done).not.toContain(data.step);
        expect(begun).not.toContain(`${data.step}:${data.attempt}`);
        begun.add(`${data.step}:${data.attempt}`);
      }
    }),
  );

  it(
    'goes on behind a race with the winner only: of the others nothing stands unless a person says so',
    property((definition, script) => {
      const player = play(definition, script, () => undefined);
      const winners = new Map<string, string>();
      let standing: string[] = [];
      for (const { type, data } of player.events) {
        if (type === 'StepCompleted') standing.push(data.step);
        const isSeenTo =
          type === 'StepCompensated' || (type === 'IncidentResolved' && isByHand(data.action));
        if (isSeenTo) standing = standing.filter((one) => one !== data.step);
        if (type === 'RaceWon') {
          expect(winners.has(data.step)).toBe(false);
          winners.set(data.step, data.branch);
        }
        if (type !== 'ParallelCompleted' || !winners.has(data.step)) continue;
        const race = spotOf(definition, data.step);
        for (const address of standing.filter((one) => isUndoable(definition, one))) {
          const spot = spotOf(definition, address);
          if (isInside(definition, spot, race))
            expect(isInside(definition, spot, race, winners.get(data.step))).toBe(true);
        }
      }
    }),
  );

  it(
    'begins nothing in a branch that has failed or lost',
    property((definition, script) => {
      let before: RunState = NOT_STARTED;
      for (const event of play(definition, script, () => undefined).events) {
        if (
          isStarted(before) &&
          'place' in event.data &&
          'step' in event.data &&
          event.type !== 'StepFailed'
        ) {
          const spot = spotOf(definition, event.data.step);
          expect(cancelledAround(definition, before, spot)).toBeUndefined();
        }
        before = evolveRun(before, event);
      }
    }),
  );

  it(
    'has no more items of a map under way than it may, and collects them in their order',
    property((definition, script) => {
      play(definition, script, ({ state }) => {
        if (!isStarted(state)) return;
        for (const [address, group] of state.steps) {
          const map = definition.steps.get(nameOf(address));
          if (group.status !== 'branching' || map?.type !== 'map') continue;
          const { begun, again, results, failures } = group;
          const open = begun - again.size - results.size - failures.size;
          if (failures.size === 0) expect(open).toBeLessThanOrEqual(map.concurrency);
        }
      }).events.forEach((event) => {
        if (event.type !== 'MapCompleted') return;
        for (const list of Object.values(event.data.context)) {
          const items = list as readonly (number | null)[];
          expect([
            items.map((_, index) => index + 1),
            items.map((_, index) => 2 * (index + 1)),
            items.map(() => null),
          ]).toContainEqual(items);
        }
      });
    }),
  );

  it(
    'publishes once per step',
    migratingProperty((definition, script) => {
      const said = play(definition, script, () => undefined).events.flatMap(({ type, data }) =>
        type === 'EventPublished' ? [data.step] : [],
      );
      expect(new Set(said).size).toBe(said.length);
    }),
  );

  it(
    'takes each signal once, the oldest first',
    migratingProperty((definition, script) => {
      const kept: { signal: string; payload: Json }[] = [];
      for (const { type, data } of play(definition, script, () => undefined).events) {
        if (type === 'SignalReceived') kept.push({ signal: data.signal, payload: data.payload });
        if (type !== 'SignalTaken') continue;
        const oldest = kept.findIndex(({ signal }) => signal === data.signal);
        expect(kept.splice(oldest, 1)).toEqual([{ signal: data.signal, payload: data.payload }]);
      }
    }),
  );

  it(
    'lets no step wait for a signal that it keeps, unless it is paused',
    migratingProperty((definition, script) => {
      play(definition, script, ({ state }) => {
        if (!isStarted(state) || state.status !== 'running' || state.pause || state.halt) return;
        for (const { signal } of state.signals) expect(awaiting(state, signal)).toEqual([]);
      });
    }),
  );

  it(
    'begins nothing while it is paused',
    migratingProperty((definition, script) => {
      const player = play(definition, script, () => undefined);
      let isHeld = false;
      for (const { type } of player.events) {
        if (type === 'WorkflowPaused') isHeld = true;
        if (type === 'WorkflowResumed') isHeld = false;
        if (isHeld) expect(type).toMatch(QUIET);
      }
    }),
  );

  it(
    'undoes what had or may have had an effect, newest first, each exactly once',
    property((definition, script) => {
      const player = play(definition, script, () => undefined);
      // An account of its own: which steps may have an effect, in the order in which they ended.
      let standing: string[] = [];
      const doubtful = new Set<string>();
      const undone: string[] = [];
      let plan: readonly string[] = [];
      const behindSavepoint = new Set<string>();
      for (const { type, data } of player.events) {
        if (type === 'StepAttemptFailed' && !wasSure(data)) doubtful.add(data.step);
        if (type === 'CallHeld' && data.purpose === 'step' && data.reissued)
          doubtful.add(data.step);
        if (type === 'StepCompleted' || type === 'StepFailed') {
          const { step: name } = data;
          const hasEffect =
            type === 'StepCompleted' || data.outcome === 'unusable' || doubtful.has(name);
          if (type === 'StepFailed') expect(data.outcome === 'failed').toBe(!hasEffect);
          if (hasEffect || (type === 'StepFailed' && data.undo)) {
            standing = [...standing.filter((other) => other !== name), name];
            behindSavepoint.add(name);
          }
        }
        const isMissed = type === 'SignalMissed' && data.default !== undefined;
        const isExcused = type === 'StepFailed' && (data.optional || data.caught);
        if (wentOn.has(type) || isMissed || isExcused) {
          const passed = 'step' in data ? definition.steps.get(data.step ?? '') : undefined;
          if (passed?.savepoint !== undefined) behindSavepoint.clear();
        }
        if (type === 'CompensationStarted') {
          const undoable = standing.filter((name) => {
            const asked = definition.steps.get(nameOf(name));
            return asked !== undefined && isRequest(asked) && asked.undo !== undefined;
          });
          if (data.strategy === 'all') expect(data.steps).toEqual(undoable.toReversed());
          else if (data.strategy === 'partial' && definition.savepoints.size > 0)
            expect(data.steps).toEqual(
              undoable.filter((name) => behindSavepoint.has(name)).toReversed(),
            );
          else expect(undoable.toReversed()).toEqual(expect.arrayContaining([...data.steps]));
        }
        if (type === 'CompensationStarted' || type === 'RaceUndoStarted') plan = data.steps;
        if (type === 'UndoStarted') expect(undone).not.toContain(data.step);
        if (type === 'IncidentResolved' && isByHand(data.action)) {
          expect(plan[0]).toBe(data.step);
          plan = plan.slice(1);
        }
        if (type === 'IncidentResolved' && data.action === 'done_by_hand') {
          undone.push(data.step);
          standing = standing.filter((name) => name !== data.step);
        }
        if (type === 'StepCompensated') {
          expect(plan[0]).toBe(data.step);
          plan = plan.slice(1);
          undone.push(data.step);
          standing = standing.filter((name) => name !== data.step);
        }
      }
      expect(new Set(undone).size).toBe(undone.length);
      if (player.status === 'compensated' || player.status === 'completed')
        expect(plan).toEqual([]);
      if (isStarted(player.state))
        for (const name of undone)
          expect(planOf(definition, player.state, 'all')).not.toContain(name);
    }),
  );

  it(
    'makes no effect out of events that say nothing to do',
    property((definition, script) => {
      const player = play(definition, script, () => undefined);
      expect(effectsOf(definition, [], player.state)).toEqual([]);
      expect(effectsOf(definition, player.events, NOT_STARTED)).toEqual([]);
    }),
  );

  it('answers any command with events or a refusal, and never throws', () =>
    fc.assert(
      fc.property(
        definitions,
        acts,
        fc.array(anyCommand, { maxLength: 10 }),
        (definition, script, commands) => {
          play(definition, script, (player) => {
            for (const command of commands) {
              const decision = player.decider.decide(command, player.state);
              expect(decision instanceof Rejection || Array.isArray(decision)).toBe(true);
            }
          });
        },
      ),
      { numRuns: 50 },
    ));

  it(
    'shows its progress between 0 and 100, complete only at the end, the same by state and by view',
    migratingProperty((definition, script) => {
      let view: RunView | undefined;
      let seen = 0;
      play(definition, script, (player) => {
        for (; seen < player.appends.length; seen++)
          view = player.appends[seen]?.reduce(evolveRunView, view);
        const progress = progressOf(player.state);
        expect(progress.total_steps).toBe(player.definition.steps.size);
        expect(progress.progress_percentage).toBeGreaterThanOrEqual(0);
        expect(progress.progress_percentage === 100).toBe(player.status === 'completed');
        expect(view?.current_status).toBe(player.status);
        expect(view).toMatchObject(progress);
        const { state } = player;
        const isOpen = isStarted(state) && state.incident !== undefined;
        expect(view?.needs_attention).toBe(isOpen);
        expect(view?.paused).toBe(isPaused(player));
        expect(view && JSON.parse(JSON.stringify(view))).toEqual(view);
        if (!isStarted(state)) return;
        expect(view).toMatchObject({ context_data: state.context, timeout_at: state.timeoutAt });
      });
    }),
  );
});

/** What may be recorded during a pause: the pause itself, answers, and what they say of their step. */
const QUIET =
  /^(WorkflowPaused|CallHeld|SignalReceived|StepCompleted|Step(Attempt)?Failed|StepCompensated|UndoAttemptFailed|IncidentOpened|CompensationRequested|WorkflowMigrated)$/;
const wentOn = new Set<RunEvent['type']>([
  'StepCompleted',
  'StepSkipped',
  'DecisionTaken',
  'DelayElapsed',
  'ParallelCompleted',
  'MapCompleted',
  'EventPublished',
  'SignalTaken',
]);
const isByHand = (action: IncidentAction): boolean =>
  action === 'skip' || action === 'done_by_hand';
const wasSure = ({ kind, status, reissued }: FailedCall): boolean =>
  !reissued && (kind === 'refused' || (kind === 'answer' && status !== 502 && status !== 504));

const anyName = fc.constantFrom('s0', 's1', 's0-0-0', 'nonsense', '', '__proto__', 'constructor');
const at = fc.constant(new Player(compiled([call('a')])).at);
const anyCommand: fc.Arbitrary<RunCommand> = fc.oneof(
  fc.record({
    type: fc.constant('CallAnswered' as const),
    at,
    chance: fc.double(),
    data: fc.record({
      purpose: fc.constantFrom('step' as const, 'undo' as const),
      step: anyName,
      attempt: fc.integer({ min: -1, max: 4 }),
      result: fc.oneof(
        result,
        fc.json().map((text): CallResult => ({ kind: 'ok', output: JSON.parse(text) as never })),
      ),
      reissued: fc.boolean(),
    }),
  }),
  fc.record({
    type: fc.constant('TimerDue' as const),
    at,
    data: fc.record({
      timer_id: fc.oneof(
        fc.string(),
        anyName.map((name) => `retry:${name}:1`),
      ),
    }),
  }),
  fc.record({
    type: fc.constant('SignalWorkflow' as const),
    at,
    data: fc.record({
      workflow_id: fc.constant(RUN_ID),
      signal: fc.oneof(anyName, fc.constantFrom('even', 'odd')),
      payload: fc.json().map((text) => JSON.parse(text) as Json),
    }),
  }),
  fc.record({
    type: fc.constant('RetryWorkflow' as const),
    at,
    data: fc.record(
      {
        workflow_id: fc.constant(RUN_ID),
        retry_strategy: fc.constantFrom(
          'current_step' as const,
          'failed_steps' as const,
          'from_step' as const,
        ),
        from_step: fc.integer(),
        context_patch: fc.constantFrom({}, { errors: 1 }, { flag: 3 }),
        max_retries: fc.nat(3),
      },
      { requiredKeys: ['workflow_id', 'retry_strategy'] },
    ),
  }) as fc.Arbitrary<RunCommand>,
  fc.record({
    type: fc.constantFrom('PauseWorkflow' as const, 'ResumeWorkflow' as const),
    at,
    data: fc.record({ workflow_id: fc.constant(RUN_ID) }),
  }) as fc.Arbitrary<RunCommand>,
  fc.record({
    type: fc.constant('ResolveIncident' as const),
    at,
    data: fc.record(
      {
        incident_id: anyName.map((name) => `${RUN_ID}:${name}:1`),
        action: fc.constantFrom('retry' as const, 'skip' as const, 'done_by_hand' as const),
        reason: fc.string(),
      },
      { requiredKeys: ['incident_id', 'action'] },
    ),
  }) as fc.Arbitrary<RunCommand>,
  fc.record({
    type: fc.constant('CompensateWorkflow' as const),
    at,
    data: fc.record(
      {
        workflow_id: fc.constant(RUN_ID),
        reason: fc.string(),
        compensation_strategy: fc.constantFrom(
          'all' as const,
          'partial' as const,
          'custom' as const,
        ),
        to_savepoint: anyName,
        custom_steps: fc.array(anyName),
      },
      { requiredKeys: ['workflow_id', 'reason'] },
    ),
  }) as fc.Arbitrary<RunCommand>,
);
