import type { Instant } from '@downbeat/eventsourcing';
import { afterReport, type Holders } from './holders';
import { breakerStandingOf } from './standing';

const minute = (of: number): Instant =>
  new Date(Date.UTC(2026, 2, 1, 9, of)).toISOString() as Instant;
const at = (of: number): number => Date.parse(minute(of));

const counted = (state: 'closed' | 'open' | 'half_open', more: object = {}) => ({
  breaker_id: '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21',
  service_name: 'shop',
  target_service: 'billing',
  endpoint_pattern: '*',
  state,
  mode: 'automatic' as const,
  since: minute(0),
  failure_count: state === 'open' ? 5 : 1,
  success_count: 0,
  failure_threshold: 5,
  success_threshold: 3,
  timeout_duration: 60,
  transitions_lost: 0,
  calls: [],
  orders_done: [],
  ...more,
});
const reported = (
  before: Holders,
  holder: string,
  of: number,
  state: 'closed' | 'open' | 'half_open',
  more: object = {},
  is_leaving = false,
) =>
  afterReport(
    before,
    { holder, report_no: of, is_leaving, breakers: [], reported_at: minute(of) },
    counted(state, more),
  );
const known = (holders: Holders) => ({ settings: null, holders, created_at: minute(0) });

describe('a breaker that several hold', () => {
  const three = ['a', 'b', 'c'].reduce<Holders>(
    (holders, holder, index) =>
      reported(holders, holder, 1, (['closed', 'open', 'half_open'] as const)[index] ?? 'closed'),
    {},
  );

  it('is as the worst of them is', () => {
    expect(breakerStandingOf(known(three), at(2))).toMatchObject({
      current_state: 'open',
      failure_count: 5,
      holders: 3,
      state_duration_seconds: 120,
    });
    const recovering = reported(three, 'b', 2, 'closed');
    expect(breakerStandingOf(known(recovering), at(2)).current_state).toBe('half_open');
  });

  it('is not kept open by one that is gone', () => {
    expect(breakerStandingOf(known(three), at(4)).current_state).toBe('open');
    expect(breakerStandingOf(known(three), at(5))).toMatchObject({
      current_state: 'closed',
      holders: 1,
    });
    const left = reported(three, 'b', 1, 'open', {}, true);
    expect(breakerStandingOf(known(left), at(1))).toMatchObject({
      current_state: 'half_open',
      holders: 2,
    });
  });

  it('is closed when nobody holds it, since its last holder said so', () => {
    const gone = reported({}, 'a', 1, 'open', { last_failure_at: minute(1) });
    expect(breakerStandingOf(known(gone), at(30))).toMatchObject({
      current_state: 'closed',
      holders: 0,
      state_changed_at: minute(1),
      last_failure_at: minute(1),
      failure_threshold: 5,
    });
    expect(breakerStandingOf(known({}), at(30))).toMatchObject({ state_changed_at: minute(0) });
  });
});

describe('the holders of a breaker', () => {
  const order = '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21';

  it('keep of each breaker the newest order that they have carried out', () => {
    const done = (order_no: number) => ({ breaker_id: order, order_no, at: minute(1) });
    const first = reported({}, 'a', 1, 'closed', { orders_done: [done(1), done(3)] });
    const then = reported(first, 'a', 2, 'closed', { orders_done: [done(2)] });
    expect(then['a']?.orders_done).toEqual([done(3)]);
  });

  it('are forgotten after a day, and are not too many', () => {
    const old = reported({}, 'old', 0, 'closed');
    expect(Object.keys(reported(old, 'new', 24 * 60 + 1, 'closed'))).toEqual(['new']);
    let many: Holders = {};
    for (let one = 0; one < 300; one++) many = reported(many, `h${one}`, one, 'closed');
    expect(Object.keys(many)).toHaveLength(256);
    expect(many).toHaveProperty('h299');
  });

  it('are, of too many, those that are open before those that are closed', () => {
    let many: Holders = {};
    for (let no = 0; no < 10; no++) many = reported(many, `open${no}`, 0, 'open');
    for (const when of [0, 1, 2])
      for (let no = 0; no < 400; no++) many = reported(many, `closed${no}`, when, 'closed');
    expect(Object.values(many).filter(({ state }) => state === 'open')).toHaveLength(10);
    expect(breakerStandingOf(known(many), at(2))).toMatchObject({
      current_state: 'open',
      holders: 256,
    });
  });

  it('are, of too many, those that are there before those that left or fell silent', () => {
    let many: Holders = {};
    for (let one = 0; one < 200; one++) many = reported(many, `crashed${one}`, 0, 'open');
    for (let one = 0; one < 200; one++) many = reported(many, `here${one}`, 8, 'closed');
    for (let one = 0; one < 200; one++) many = reported(many, `left${one}`, 9, 'open', {}, true);
    const here = Object.keys(many).filter((name) => name.startsWith('here'));
    expect(here).toHaveLength(200);
  });
});
