import { instantOf } from '@downbeat/eventsourcing';
import { evaluate, type Known } from './evaluation';
import { growthOf, noHistory, remembered, type History } from './growth';
import type { AlertRule } from './alert-rule';
import type { Measured, Sample } from './sample';

const rule: AlertRule = {
  rule_id: 'down',
  summary: 'It is down',
  condition: { metric: 'service_down', comparison: 'at_least', threshold: 1 },
  for_seconds: 10,
  severity: 'warning',
  severity_steps: [{ at_least: 3, severity: 'critical' }],
  is_enabled: true,
};
const down = (value: number, subject = 'billing'): Measured => ({
  samples: [{ metric: 'service_down', subject, service_name: subject, value }],
  metrics: new Set(['service_down']),
});
const nothing: Measured = { samples: [], metrics: new Set() };
const none: Known = { rules: [rule], receivers: [], silences: [], open: [], pending: [] };
const moment = (seconds: number) => ({
  at: instantOf(seconds * 1_000),
  position: 5,
  idOf: (ruleId: string, subject: string) => `${ruleId} ${subject}`,
});
const at = (seconds: number, known: Partial<Known>, measured: Measured) =>
  evaluate({ ...none, ...known }, measured, noHistory, moment(seconds));
const open = {
  alert_id: 'down billing',
  rule_id: 'down',
  metric: 'service_down',
  subject: 'billing',
  since: instantOf(0),
  status: 'firing',
} as const;

describe('an evaluation', () => {
  it('waits for as long as the rule says, and then fires', () => {
    const first = at(0, {}, down(1));
    expect(first).toMatchObject({ commands: [], pending: [{ since: instantOf(0), value: 1 }] });
    const second = at(9, { pending: first.pending }, down(2));
    expect(second).toMatchObject({ commands: [], pending: [{ since: instantOf(0), value: 2 }] });
    const third = at(10, { pending: second.pending }, down(3));
    expect(third.pending).toEqual([]);
    expect(third.commands).toMatchObject([
      {
        type: 'RaiseAlert',
        data: { subject: 'billing', value: 3, severity: 'critical', observed_position: 5 },
      },
    ]);
  });

  it('begins to wait anew after a break', () => {
    const { pending } = at(0, {}, down(1));
    expect(at(5, { pending }, down(0)).pending).toEqual([]);
  });

  it('begins to wait anew when the rule is another one', () => {
    const { pending } = at(0, {}, down(1));
    const changed = { ...rule, for_seconds: 20 };
    expect(at(30, { pending, rules: [changed] }, down(1))).toMatchObject({
      commands: [],
      pending: [{ since: instantOf(30_000) }],
    });
  });

  it('goes on waiting while nothing can be measured, and resolves nothing', () => {
    const { pending } = at(0, {}, down(1));
    expect(at(60, { pending, open: [open] }, nothing)).toEqual({ commands: [], pending });
  });

  it.each([
    ['it holds no more', { open: [open] }, down(0), 'service_down of billing is 0 now'],
    ['it is gone', { open: [open] }, down(1, 'x'), 'nothing is measured of billing any more'],
    ['its rule is gone', { open: [open], rules: [] }, down(1), 'its rule was removed'],
    [
      'its rule is turned off',
      { open: [open], rules: [{ ...rule, is_enabled: false }] },
      down(1),
      'its rule was turned off',
    ],
  ])('resolves when %s', (_, known, measured, reason) =>
    expect(
      at(60, known, measured).commands.filter(({ type }) => type === 'SettleAlert'),
    ).toMatchObject([{ data: { alert_id: 'down billing', reason } }]),
  );

  it('resolves nothing, and forgets no wait, of which it is not known that it does not hold', () => {
    const { pending } = at(0, {}, down(1));
    for (const seen of [down(0), down(1, 'x')]) {
      const uncertain: Measured = { ...seen, isUncertain: ({ subject }) => subject === 'billing' };
      expect(at(5, { pending }, uncertain).pending).toEqual(
        expect.arrayContaining(pending as unknown[]),
      );
      expect(at(60, { open: [open] }, uncertain).commands).not.toMatchObject([
        { type: 'SettleAlert' },
      ]);
    }
    const met: Measured = { ...down(1), isUncertain: () => true };
    expect(at(10, { pending }, met).commands).toMatchObject([{ type: 'RaiseAlert' }]);
  });

  it('says whose silence holds', () => {
    const silences = [
      { silence_id: 's', matchers: { service_name: 'billing' }, ends_at: instantOf(100_000) },
    ];
    const rules = [{ ...rule, for_seconds: 0 }];
    expect(at(0, { rules, silences }, down(1)).commands).toMatchObject([
      { data: { silence_id: 's' } },
    ]);
    const after = at(100, { rules, silences, open: [{ ...open, status: 'silenced' }] }, down(1));
    expect(after.commands).toHaveLength(1);
    expect(after.commands[0]?.data).not.toHaveProperty('silence_id');
  });
});

describe('a rule about growth', () => {
  const condition = {
    metric: 'bus_disconnects_total',
    comparison: 'at_least',
    threshold: 3,
    growth_over_seconds: 60,
  } as const;
  const growing: AlertRule = { ...rule, condition, for_seconds: 0 };
  const lost = (value: number): Measured => ({
    samples: [{ metric: 'bus_disconnects_total', subject: 'saga p1', value }],
    metrics: new Set(['bus_disconnects_total']),
  });
  const of = { metric: 'bus_disconnects_total', subject: 'saga p1' } as const;
  const firing = { ...open, ...of, alert_id: 'down saga p1' };
  /** Somebody began to look at 0. */
  const looked = (
    rules: readonly AlertRule[],
    known: Partial<Known>,
    values: readonly number[],
  ) => {
    let history = noHistory;
    return values.map((value, index) => {
      history = remembered(history, lost(value), index * 30_000, () => true);
      return evaluate(
        { ...none, rules, ...known },
        lost(value),
        history,
        moment(index * 30),
      ).commands.map(({ type }) => type);
    });
  };

  it('resolves nothing before somebody has looked for as long as it looks back', () =>
    expect(looked([growing], { open: [firing] }, [7, 7, 7])).toEqual([[], [], ['SettleAlert']]));

  it('fires as soon as enough was seen to grow', () =>
    expect(looked([growing], {}, [7, 10])).toEqual([[], ['RaiseAlert']]));

  it('fires for too little growth only when somebody has looked for so long', () => {
    const still: AlertRule = { ...growing, condition: { ...condition, comparison: 'below' } };
    expect(looked([still], {}, [7, 7, 7])).toEqual([[], [], ['RaiseAlert']]);
  });
});

describe('growth', () => {
  const letters = (value: number): Sample => ({ metric: 'dead_letters', subject: 'c', value });
  const told = (history: History, seconds: number, ...samples: readonly Sample[]) =>
    remembered(
      history,
      { samples, metrics: new Set(['dead_letters', 'bus_disconnects_total']) },
      seconds * 1_000,
      () => true,
    );
  it('is from zero, of what was not there before', () => {
    const history = told(told(noHistory, 0), 10, letters(5));
    expect(growthOf(history, letters(5), 60_000, 10_000)).toBe(5);
  });
  it('is none of what was there when one began to look', () =>
    expect(growthOf(told(noHistory, 0, letters(5)), letters(5), 60_000, 0)).toBe(0));
  it('is no less for what was taken away, and forgets what is old', () => {
    let history = told(noHistory, 0, letters(0));
    for (const [seconds, value] of [
      [10, 4],
      [20, 1],
      [30, 3],
    ] as const)
      history = told(history, seconds, letters(value));
    expect(growthOf(history, letters(3), 60_000, 30_000)).toBe(6);
    expect(growthOf(history, letters(3), 10_000, 30_000)).toBe(2);
  });
  it('goes on over a counter that begins anew', () => {
    const lost = (value: number): Sample => ({
      metric: 'bus_disconnects_total',
      subject: 'p',
      value,
    });
    const history = told(told(told(noHistory, 0, lost(7)), 10, lost(8)), 20, lost(2));
    expect(growthOf(history, lost(2), 60_000, 20_000)).toBe(3);
  });
});
