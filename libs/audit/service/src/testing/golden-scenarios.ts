import { Rejection, type JsonObject } from '@downbeat/eventsourcing';
import type { RunEvent } from '@downbeat/saga-domain';
import {
  call,
  child,
  compiled,
  definitionOf,
  delay,
  fixedCall,
  joining,
  parallel,
  Player,
  signalWait,
} from '@downbeat/saga-domain/testing';

/** A run as a release recorded it: what it was started with, and the events of each append. */
export interface Transcript {
  readonly definition: JsonObject;
  /** What it migrated to. */
  readonly later?: JsonObject;
  readonly appends: readonly (readonly RunEvent[])[];
}

interface Scenario {
  readonly steps: readonly Readonly<Record<string, unknown>>[];
  readonly more?: Readonly<Record<string, unknown>>;
  /** Another version, for the run to migrate to. */
  readonly later?: Omit<Scenario, 'play' | 'later'>;
  readonly play: (player: Player, migrate: () => void) => void;
}

const retried = { retry_policy: { max_retries: 2, initial_delay_ms: 100 } };
const three = [call('a', { output_mapping: { a_id: 'id' } }), call('b', retried), call('c')];

/** One run for each thing that a run can do. A scenario that was recorded is never changed. */
export const GOLDEN_SCENARIOS: Readonly<Record<string, Scenario>> = {
  completed: {
    steps: three,
    play: (player) => {
      player.start({ order: 1 });
      player.ok('a', { id: 7 });
      player.ok('b');
      player.ok('c');
    },
  },
  'decided-and-skipped': {
    steps: [
      call('a', { output_mapping: { amount: 'amount' } }),
      { name: 'd', type: 'decision', cases: [{ when: 'amount > 100', goto: 'c' }] },
      call('b'),
      call('c', { conditions: 'amount < 1000' }),
      call('e'),
    ],
    play: (player) => {
      player.start();
      player.ok('a', { amount: 5_000 });
      player.ok('e');
    },
  },
  'retried-until-it-worked': {
    steps: three,
    play: (player) => {
      player.start();
      player.ok('a', { id: 7 });
      player.status4xx('b', 503);
      player.due('retry:b:1');
      player.timeout('b');
      player.due('retry:b:2');
      player.ok('b');
      player.ok('c');
    },
  },
  'refused-and-undone': {
    steps: three,
    play: (player) => {
      player.start();
      player.ok('a', { id: 7 });
      player.ok('b');
      player.status4xx('c', 402);
      player.ok('b:undo');
      player.ok('a:undo');
    },
  },
  'unknown-and-undone': {
    steps: [call('a'), call('b')],
    play: (player) => {
      player.start();
      player.ok('a');
      player.timeout('b');
      player.ok('b:undo');
      player.ok('a:undo');
    },
  },
  'unusable-answer': {
    steps: [call('a', { output_mapping: { id: '=output.id + 1' } })],
    play: (player) => {
      player.start();
      player.ok('a', {});
      player.ok('a:undo');
    },
  },
  'branches-of-which-one-fails': {
    steps: [call('a'), parallel('both', [call('b'), call('c')], [delay('wait'), call('d')])],
    play: (player) => {
      player.start();
      player.ok('a');
      player.ok('b');
      player.status4xx('c');
      player.ok('b:undo');
      player.ok('a:undo');
    },
  },
  'branches-and-a-delay': {
    steps: [parallel('both', [call('b')], [delay('wait'), call('d')]), call('e')],
    play: (player) => {
      player.start();
      player.ok('b');
      player.due('delay:wait');
      player.ok('d');
      player.ok('e');
    },
  },
  'timed-out': {
    steps: [call('a'), delay('wait'), call('b')],
    more: { timeout_minutes: 2 },
    play: (player) => {
      player.start();
      player.ok('a');
      player.due('timeout');
      player.ok('a:undo');
    },
  },
  'undo-parked-and-retried': {
    steps: [call('a'), call('b')],
    play: (player) => {
      player.start();
      player.ok('a');
      player.status4xx('b');
      player.status4xx('a:undo', 500);
      player.crash();
      player.retry();
      player.ok('a:undo');
    },
  },
  'compensated-on-demand': {
    steps: [call('a'), call('b')],
    play: (player) => {
      player.start();
      player.ok('a');
      player.ok('b');
      player.compensate({ compensation_strategy: 'custom', custom_steps: ['b'] });
      player.ok('b:undo');
    },
  },
  'failed-and-retried': {
    steps: [call('a'), call('b')],
    more: { compensation_strategy: 'none' },
    play: (player) => {
      player.start();
      player.ok('a');
      player.status4xx('b');
      player.retry({ max_retries: 1 });
      player.status4xx('b', 503);
      player.due('retry:b:2');
      player.ok('b');
    },
  },
  'optional-step-fails': {
    steps: [call('a', { optional: true }), call('b')],
    play: (player) => {
      player.start();
      player.timeout('a');
      player.status4xx('b');
      player.ok('a:undo');
    },
  },
  'back-to-the-point-of-no-return': {
    steps: [call('a'), fixedCall('b'), call('c'), call('d')],
    more: { compensation_strategy: 'partial' },
    play: (player) => {
      player.start();
      for (const step of ['a', 'b', 'c']) player.ok(step);
      player.status4xx('d');
      player.ok('c:undo');
    },
  },
  'held-and-released': {
    steps: [call('a'), call('b')],
    more: { priority: 'high', limit_key: 'tenant' },
    play: (player) => {
      player.start({ tenant: 'acme' });
      player.ok('a');
      player.hold('b');
      player.crash();
      player.release('b');
      player.status4xx('b');
      player.hold('a:undo', 'target-paused');
      player.release('a:undo');
      player.ok('a:undo');
    },
  },
  'incidents-resolved': {
    steps: [call('a'), call('b'), call('c'), call('d')],
    play: (player) => {
      player.start();
      for (const name of ['a', 'b', 'c']) player.ok(name);
      player.status4xx('d');
      player.status4xx('c:undo', 404);
      player.resolve('retry', { reason: 'it is up again' });
      player.status4xx('c:undo', 404);
      player.retry();
      player.ok('c:undo');
      player.status4xx('b:undo', 404);
      player.resolve('skip');
      player.status4xx('a:undo', 404);
      player.resolve('done_by_hand');
      player.compensate();
      player.ok('b:undo');
    },
  },
  'paused-and-resumed': {
    steps: [
      call('a', retried),
      parallel('p', [call('b'), call('c')], [delay('wait', 60)]),
      call('d'),
    ],
    play: (player) => {
      player.start();
      player.pause();
      player.status4xx('a', 503);
      player.now += 7_200_000;
      player.resume();
      player.due('retry:a:1');
      player.ok('a');
      player.pause();
      player.ok('b');
      player.now += 30_000;
      player.resume();
      player.ok('c');
      player.due('delay:wait');
      player.pause();
      player.status4xx('d');
      player.compensate();
      for (const name of ['c', 'b', 'a']) player.ok(`${name}:undo`);
    },
  },
  'retried-by-rules-and-caught': {
    steps: [
      call('a', {
        retry_policy: {
          max_retries: 1,
          rules: [
            { match: [429], max_retries: 1, initial_delay_ms: 1_000 },
            { match: ['timeout'], max_retries: 0 },
          ],
        },
        on_error: [{ match: ['unknown'], goto: 'c' }],
      }),
      call('b'),
      call('c', { input_mapping: { why: 'errors.a.class' } }),
    ],
    play: (player) => {
      player.start();
      player.status4xx('a', 429);
      player.due('retry:a:1');
      player.status4xx('a', 503);
      player.due('retry:a:2');
      player.timeout('a');
      player.status4xx('c');
      player.ok('a:undo');
    },
  },
  'back-to-a-savepoint': {
    steps: [
      call('a', { savepoint: 'begun' }),
      call('b'),
      call('c', { savepoint: true }),
      call('d'),
      call('e', { undo_failed_step: true }),
    ],
    more: { compensation_strategy: 'partial' },
    play: (player) => {
      player.start();
      for (const name of ['a', 'b', 'c', 'd']) player.ok(name);
      player.status4xx('e');
      player.ok('e:undo');
      player.ok('d:undo');
      player.compensate({ to_savepoint: 'begun' });
      player.ok('c:undo');
      player.ok('b:undo');
    },
  },
  'named-steps-undone': {
    steps: [call('a'), call('b'), call('c')],
    more: { compensation_strategy: 'custom', compensation_steps: ['a'] },
    play: (player) => {
      player.start();
      player.ok('a');
      player.ok('b');
      player.status4xx('c');
      player.ok('a:undo');
    },
  },
  'retried-with-an-edit': {
    steps: [call('a', { input_mapping: { card: 'card' } })],
    more: { compensation_strategy: 'none' },
    play: (player) => {
      player.start({ card: 'old' });
      player.status4xx('a', 402);
      player.retry({ context_patch: { card: 'new' } });
      player.ok('a:2');
    },
  },
  'race-with-a-signal-held-up-by-an-incident': {
    steps: [
      parallel(
        'q',
        [joining('race', 'p', [call('a'), call('a2')], [signalWait('go')]), call('behind')],
        [call('beside')],
      ),
    ],
    play: (player) => {
      player.start();
      player.ok('a');
      player.signal('go', { by: 'ops' });
      player.ok('a2');
      player.status4xx('a2:undo', 503);
      player.resolve('skip');
      player.status4xx('a:undo', 503);
      player.status4xx('beside');
      player.ok('a2:undo');
      player.ok('a:undo');
    },
  },
  'items-caught-and-collected': {
    steps: [
      {
        name: 'each',
        type: 'map',
        items: 'orders',
        concurrency: 2,
        collect: { statuses: 'errors.a.status', ids: 'id' },
        steps: [
          call('a', {
            on_error: [{ match: [402], goto: 'b' }],
            output_mapping: { id: 'id' },
            undo_failed_step: true,
          }),
          fixedCall('b', { input_mapping: { order: 'item' } }),
        ],
      },
      { name: 'tell', type: 'publish', event: 'told', payload: { ids: 'ids' } },
      call('end-step'),
    ],
    play: (player) => {
      player.start({ orders: ['x', 'y', 'z'] });
      player.ok('a#0', { id: 1 });
      player.status4xx('a#1', 402);
      player.ok('b#0');
      player.ok('a#2', { id: 3 });
      player.ok('b#1');
      player.ok('b#2');
      player.status4xx('end-step');
      for (const item of ['a#2', 'a#1', 'a#0']) player.ok(`${item}:undo`);
    },
  },
  'paused-with-signals-settled-branches-and-a-sub-workflow': {
    steps: [
      joining(
        'settle',
        'p',
        [signalWait('go', { timeout_seconds: 60 }), child('sub')],
        [call('b'), delay('wait')],
      ),
      call('c'),
    ],
    play: (player) => {
      player.start();
      player.pause();
      player.ok('b');
      player.signal('go');
      player.now += 600_000;
      player.resume();
      player.pause();
      player.child('sub', 'completed', { id: 7 });
      player.crash();
      player.resume();
      player.due('delay:wait');
      player.status4xx('c');
      player.child('sub:undo', 'compensated');
      player.ok('b:undo');
    },
  },
  'archived-and-restored': {
    steps: [call('a'), call('b')],
    play: (player) => {
      player.start();
      player.ok('a');
      player.ok('b');
      player.archive();
      player.compensate();
      player.ok('b:undo');
      player.ok('a:undo');
      player.archive();
      player.purge();
    },
  },
  'an-answer-too-large': {
    steps: [call('a'), call('b', { on_error: [{ match: ['unusable'], goto: 'c' }] }), call('c')],
    play: (player) => {
      player.start();
      player.ok('a');
      player.answer('b', { kind: 'oversized', message: 'the answer is larger than 1000000 bytes' });
      player.answer('c', { kind: 'oversized', message: 'the answer is larger than 1000000 bytes' });
      player.ok('c:undo');
      player.ok('b:undo');
      player.answer('a:undo', { kind: 'oversized', message: 'much' });
    },
  },
  'migrated-to-another-request-and-then-undone': {
    steps: [call('a', { ...retried, input_mapping: { card: 'card' } }), call('b')],
    later: {
      steps: [
        call('a', { ...retried, endpoint: '/a/v2', input_mapping: { card: '=card + "!"' } }),
        delay('rest'),
        call('b'),
      ],
      more: { compensation_strategy: 'all' },
    },
    more: { compensation_strategy: 'none' },
    play: (player, migrate) => {
      player.start({ card: 'x' });
      player.status4xx('a', 503);
      migrate();
      player.due('retry:a:1');
      player.ok('a:2');
      player.due('delay:rest');
      player.status4xx('b');
      player.ok('a:undo');
    },
  },
  'migrated-to-another-undo': {
    steps: [fixedCall('free'), call('a'), call('b')],
    later: {
      steps: [
        fixedCall('free'),
        call('a', {
          compensation_action: {
            service_name: 'a',
            endpoint: '/a/undo/v2',
            input_mapping: { id: 'output.id' },
            retry_policy: { max_retries: 0 },
          },
        }),
        call('b'),
        call('c'),
      ],
    },
    play: (player, migrate) => {
      player.start();
      player.ok('free');
      player.ok('a', { id: 7 });
      player.status4xx('b');
      player.status4xx('a:undo', 404);
      migrate();
      player.resolve('retry', { reason: 'its path was wrong' });
      player.status4xx('a:undo:2', 503);
      player.crash();
      player.retry();
      player.ok('a:undo:2');
    },
  },
};

/** The scenario as the rules of today play it. */
export function transcriptOf({ steps, more = {}, later, play }: Scenario): Transcript {
  const player = new Player(compiled(steps, more));
  const then = later && ([later.steps, { ...later.more, version: '2.0.0' }] as const);
  play(player, () => {
    if (!then || player.migrate(compiled(...then)) instanceof Rejection)
      throw new Error('it does not migrate');
  });
  const plain = (...definition: Parameters<typeof definitionOf>) =>
    JSON.parse(JSON.stringify(definitionOf(...definition))) as JsonObject;
  return {
    definition: plain(steps, more),
    ...(then ? { later: plain(...then) } : {}),
    appends: player.appends,
  };
}
