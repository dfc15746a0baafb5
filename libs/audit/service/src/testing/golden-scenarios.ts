import type { JsonObject } from '@downbeat/eventsourcing';
import type { RunEvent } from '@downbeat/saga-domain';
import {
  call,
  compiled,
  definitionOf,
  delay,
  fixedCall,
  parallel,
  Player,
} from '@downbeat/saga-domain/testing';

/** A run as a release recorded it: what it was started with, and the events of each append. */
export interface Transcript {
  readonly definition: JsonObject;
  readonly appends: readonly (readonly RunEvent[])[];
}

interface Scenario {
  readonly steps: readonly Readonly<Record<string, unknown>>[];
  readonly more?: Readonly<Record<string, unknown>>;
  readonly play: (player: Player) => void;
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
};

/** The scenario as the rules of today play it. */
export function transcriptOf({ steps, more = {}, play }: Scenario): Transcript {
  const player = new Player(compiled(steps, more));
  play(player);
  return {
    definition: JSON.parse(JSON.stringify(definitionOf(steps, more))) as JsonObject,
    appends: player.appends,
  };
}
