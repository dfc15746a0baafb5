import { epochMs, instantOf, Rejection } from '@downbeat/eventsourcing';
import fc from 'fast-check';
import { alert, type AlertEvent, type AlertState } from './alert';
import type { AlertRule } from './alert-rule';
import type { Silence } from './alert-silence';
import { evaluate, type OpenAlert, type Pending } from './evaluation';
import { noHistory } from './growth';
import type { Measured } from './sample';

const rule: AlertRule = {
  rule_id: 'r',
  summary: 'It is down',
  condition: { metric: 'service_down', comparison: 'above', threshold: 0 },
  for_seconds: 3,
  severity: 'warning',
  is_enabled: true,
};
const STEP_SECONDS = 1;
const SUBJECT = 'billing';

/** What happens in one second: what is measured, who looks, and who has forgotten what he waited for. */
const anySecond = fc.record({
  value: fc.option(fc.constantFrom(0, 0, 1, 1, 1), { nil: undefined }),
  /** Replica by replica; one may look twice, and on a state that is old by now. */
  looks: fc.array(fc.record({ replica: fc.nat(1), isStale: fc.boolean() }), { maxLength: 4 }),
  crashed: fc.option(fc.nat(1), { nil: undefined }),
});
const anySilence = fc.option(
  fc.record({ from: fc.nat(40), seconds: fc.integer({ min: 1, max: 20 }) }),
  { nil: undefined },
);

/** A log of one alert, and two replicas that evaluate beside each other. */
class World {
  readonly events: AlertEvent[] = [];
  private readonly pending: [readonly Pending[], readonly Pending[]] = [[], []];
  private stale: readonly OpenAlert[] = [];

  constructor(private readonly silence?: Silence & { readonly from: number }) {}

  get state(): AlertState {
    return this.events.reduce((state, event) => alert.evolve(state, event), alert.initialState);
  }

  silences(second: number): readonly Silence[] {
    return this.silence && second >= this.silence.from ? [this.silence] : [];
  }

  open(): readonly OpenAlert[] {
    const { status } = this.state;
    const begun = this.events.findLast(
      (event) => event.type === 'AlertFired' || event.type === 'AlertSilenced',
    );
    if (status === 'quiet' || !begun || !('since' in begun.data)) return [];
    const { alert_id, rule_id, metric, subject, since } = begun.data;
    return [{ alert_id, rule_id, metric, subject, since, status }];
  }

  look(replica: number, second: number, measured: Measured, isStale: boolean): void {
    const at = instantOf(second * STEP_SECONDS * 1_000);
    const open = isStale ? this.stale : this.open();
    const { commands, pending } = evaluate(
      {
        rules: [rule],
        receivers: [],
        silences: this.silences(second),
        open,
        pending: this.pending[replica === 0 ? 0 : 1],
      },
      measured,
      noHistory,
      { at, position: second, idOf: (ruleId, subject) => `${ruleId} ${subject}` },
    );
    this.stale = this.open();
    this.pending[replica === 0 ? 0 : 1] = pending;
    for (const command of commands) {
      const decision = alert.decide(command, this.state);
      if (decision instanceof Rejection) throw new Error(decision.message);
      this.events.push(...decision);
    }
  }

  crash(replica: number): void {
    this.pending[replica === 0 ? 0 : 1] = [];
  }
}

const measured = (value: number): Measured => ({
  samples: [{ metric: 'service_down', subject: SUBJECT, value }],
  metrics: new Set(['service_down']),
});

const anyRun = fc.record({
  seconds: fc.array(anySecond, { minLength: 1, maxLength: 60 }),
  silence: anySilence,
});

type Run = typeof anyRun extends fc.Arbitrary<infer One> ? One : never;

function lived({ seconds, silence }: Run): World {
  const world = new World(
    silence && {
      from: silence.from,
      silence_id: 's',
      matchers: { subject: SUBJECT },
      ends_at: instantOf((silence.from + silence.seconds) * 1_000),
    },
  );
  seconds.forEach(({ value, looks, crashed }, second) => {
    if (crashed !== undefined) world.crash(crashed);
    const seen = value === undefined ? { samples: [], metrics: new Set<never>() } : measured(value);
    for (const { replica, isStale } of looks) world.look(replica, second, seen, isStale);
  });
  return world;
}

const EPISODE = '(AlertSilenced )?AlertFired AlertResolved |AlertSilenced AlertResolved ';
const EPISODES = new RegExp(`^(${EPISODE})*((AlertSilenced )?AlertFired |AlertSilenced )? ?$`);

describe('whatever is measured, whoever evaluates and crashes', () => {
  it('an alert fires once in an episode, and ends before the next one', () =>
    fc.assert(
      fc.property(anyRun, (run) => {
        const { events } = lived(run);
        const types = events.map(({ type }) => type).join(' ');
        expect(`${types} `).toMatch(EPISODES);
        const fired = events.filter(({ type }) => type === 'AlertFired');
        expect(new Set(fired.map(({ data }) => data.episode)).size).toBe(fired.length);
      }),
    ));

  it('none fires during a silence, nor before it held for as long as its rule says', () =>
    fc.assert(
      fc.property(anyRun, (run) => {
        const { events } = lived(run);
        for (const { type, data } of events) {
          if (type !== 'AlertFired' && type !== 'AlertSilenced') continue;
          expect(epochMs(data.at) - epochMs(data.since)).toBeGreaterThanOrEqual(3_000);
          const { silence } = run;
          if (!silence) continue;
          const second = epochMs(data.at) / 1_000;
          const isSilent = second >= silence.from && second < silence.from + silence.seconds;
          expect(type).toBe(isSilent ? 'AlertSilenced' : 'AlertFired');
        }
      }),
    ));

  it('what holds fires in the end, and what holds no more resolves', () =>
    fc.assert(
      fc.property(anyRun, (run) => {
        const world = lived(run);
        const later = 1_000;
        for (let second = later; second < later + 5; second++)
          world.look(0, second, measured(1), false);
        expect(world.state.status).toBe('firing');
        world.look(1, later + 5, measured(0), false);
        expect(world.state.status).toBe('quiet');
      }),
    ));
});
