import { fold, instantOf, Rejection, type Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import fc from 'fast-check';
import { nextDueAt, occurrenceId, PENDING_MAX, schedule, type ScheduleCommand } from './schedule';
import type { ScheduleEvent, SchedulePlan } from './schedule-events';

const { given } = specification(schedule);
const name = 'nightly';
const minute = (count: number, second = 0): Instant =>
  instantOf(Date.UTC(2026, 2, 1, 9, count, second));
const plan = (more: Partial<SchedulePlan> = {}): SchedulePlan => ({
  workflow_name: 'count-stock',
  cron: '* * * * *',
  time_zone: 'UTC',
  context_data: {},
  overlap: 'skip',
  catch_up_minutes: 10,
  ...more,
});
const set = (more: Partial<SchedulePlan> = {}, at = minute(0)): ScheduleEvent => ({
  type: 'ScheduleSet',
  data: { name, plan: plan(more), at },
});
const due = (count: number, at = minute(count)): ScheduleEvent => {
  const due_at = minute(count);
  const correlation_id = occurrenceId(name, due_at);
  return { type: 'OccurrenceDue', data: { name, due_at, correlation_id, at } };
};
const started = (count: number): ScheduleEvent => {
  const data = { name, due_at: minute(count), workflow_id: `w${count}`, at: minute(count) };
  return { type: 'OccurrenceStarted', data };
};
const ended = (count: number, at: Instant): ScheduleEvent => {
  const data = { name, due_at: minute(count), status: 'completed', at } as const;
  return { type: 'OccurrenceEnded', data };
};
const queued = (count: number, at = minute(count)): ScheduleEvent => ({
  type: 'OccurrenceQueued',
  data: { name, due_at: minute(count), at },
});
const skipped = (count: number, behind: number, at = minute(count)): ScheduleEvent => ({
  type: 'OccurrenceSkipped',
  data: { name, due_at: minute(count), behind: occurrenceId(name, minute(behind)), at },
});
const paused: ScheduleEvent = {
  type: 'SchedulePaused',
  data: { name, reason: 'moving', at: minute(1) },
};
const tick = (at: Instant): ScheduleCommand => ({ type: 'Tick', data: { name }, at });
const put = (more: Partial<SchedulePlan> = {}, at = minute(1)): ScheduleCommand => ({
  type: 'PutSchedule',
  data: { name, ...plan(more) },
  at,
});
const said = (type: 'ResumeSchedule' | 'DeleteSchedule' | 'TriggerSchedule', at = minute(2)) =>
  ({ type, data: { name }, at }) as const;

describe('a schedule', () => {
  it('is set, and changed, but not to what it is', () => {
    given()
      .when(put())
      .then(set({}, minute(1)));
    given(set()).when(put()).thenNothing();
    given(set())
      .when(put({ cron: '5 * * * *' }))
      .then(set({ cron: '5 * * * *' }, minute(1)));
  });
  it('is refused with a timetable that names no moments', () =>
    given()
      .when(put({ cron: '0 0 30 2 *' }))
      .thenRejected('invalid-schedule'));
  it.each(['ResumeSchedule', 'DeleteSchedule', 'TriggerSchedule'] as const)(
    'must exist for %s',
    (type) => {
      given().when(said(type)).thenRejected('schedule-unknown');
      given(set(), { type: 'ScheduleDeleted', data: { name, at: minute(0) } })
        .when(said(type))
        .thenRejected('schedule-unknown');
    },
  );

  it('counts from when it was set, and not before the moment', () => {
    given(set({}, minute(0, 30)))
      .when(tick(minute(0, 59)))
      .thenNothing();
    given(set({}, minute(0, 30)))
      .when(tick(minute(1)))
      .then(due(1));
    given(set(), due(1))
      .when(tick(minute(1, 59)))
      .thenNothing();
  });
  it('decides on all that came due while nobody was there', () =>
    given(set({ overlap: 'allow' }))
      .when(tick(minute(3, 30)))
      .then(due(1, minute(3, 30)), due(2, minute(3, 30)), due(3, minute(3, 30))));
  it('makes up for what is not too old, and says what is', () => {
    const at = minute(13, 30);
    given(set({ overlap: 'allow', catch_up_minutes: 2 }))
      .when(tick(at))
      .then(
        {
          type: 'OccurrencesMissed',
          data: { name, due_at: minute(1), last_due_at: minute(11), count: 11, at },
        },
        due(12, at),
        due(13, at),
      );
  });

  it('says step by step what is too old when it is much, and starts none of it', () => {
    const everySecond = set({ overlap: 'allow', catch_up_minutes: 1, cron: '* * * * * *' });
    const events: ScheduleEvent[] = [everySecond];
    const at = minute(60);
    for (let ticks = 0; ticks < 20; ticks++) {
      const decision = schedule.decide(tick(at), fold(schedule, events));
      if (decision instanceof Rejection) throw new Error(decision.message);
      events.push(...decision);
    }
    const dues = events.filter(({ type }) => type === 'OccurrenceDue');
    expect(dues[0]?.data).toMatchObject({ due_at: minute(59) });
    const missed = events.flatMap(({ type, data }) =>
      type === 'OccurrencesMissed' ? [data.count] : [],
    );
    expect(missed).toEqual([1_000, 1_000, 1_000, 539]);
  });
  it('leaves out what comes due while too many runs are to be started', () => {
    const everySecond = set({ overlap: 'allow', cron: '* * * * * *' });
    const events: ScheduleEvent[] = [everySecond];
    for (let second = 1; second <= PENDING_MAX + 50; second++) {
      const decision = schedule.decide(tick(minute(0, second)), fold(schedule, events));
      if (decision instanceof Rejection) throw new Error(decision.message);
      events.push(...decision);
    }
    const state = fold(schedule, events);
    expect(state.pending).toHaveLength(PENDING_MAX);
    expect(events.at(-1)).toMatchObject({ type: 'OccurrenceSkipped' });
    given(...events)
      .when(said('TriggerSchedule', minute(30)))
      .thenRejected('schedule-busy');
  });

  it('decides on no moment twice when it is set or resumed by a clock that is behind', () => {
    const behind = minute(0, 59);
    const resumed: ScheduleEvent = { type: 'ScheduleResumed', data: { name, at: behind } };
    for (const late of [[set({ catch_up_minutes: 5 }, behind)], [paused, resumed]])
      given(set(), due(1), started(1), ...late)
        .when(tick(minute(1, 30)))
        .thenNothing();
  });
  it('leaves out what comes due while a run goes on', () => {
    given(set(), due(1), started(1))
      .when(tick(minute(2)))
      .then(skipped(2, 1));
    given(set(), due(1), started(1), skipped(2, 1), ended(1, minute(2, 30)))
      .when(tick(minute(3)))
      .then(due(3));
  });
  it('lets one wait for the run that goes on, if it is told so', () => {
    const queue = set({ overlap: 'queue' });
    const at = minute(3, 10);
    given(queue, due(1), started(1))
      .when(tick(minute(2)))
      .then(queued(2));
    given(queue, due(1), started(1), queued(2))
      .when(tick(minute(3)))
      .then(skipped(3, 1));
    given(queue, due(1), started(1), queued(2), skipped(3, 1), ended(1, at))
      .when(tick(at))
      .then(due(2, at));
  });
  it('lets runs overlap, if it is told so', () =>
    given(set({ overlap: 'allow' }), due(1), started(1))
      .when(tick(minute(2)))
      .then(due(2)));

  it('starts nothing while it is paused, and makes up for none of it', () => {
    given(set(), paused)
      .when(tick(minute(5)))
      .thenNothing();
    given(set(), paused, { type: 'ScheduleResumed', data: { name, at: minute(5, 30) } })
      .when(tick(minute(6)))
      .then(due(6));
  });
  it('starts a run when it is asked to, even when paused, unless one goes on', () => {
    const at = minute(2);
    const asked = {
      type: 'OccurrenceDue',
      data: { name, due_at: at, correlation_id: occurrenceId(name, at), is_asked_for: true, at },
    } as const;
    given(set(), paused).when(said('TriggerSchedule')).then(asked);
    given(set(), due(1)).when(said('TriggerSchedule')).thenRejected('schedule-busy');
    given(set({ overlap: 'allow' }), due(1))
      .when(said('TriggerSchedule'))
      .then(asked);
  });
  it('records a start, a refusal and an end once', () => {
    const data = { name, due_at: minute(1), workflow_id: 'w1' };
    const start = { type: 'RecordStart', data, at: minute(1) } as const;
    given(set(), due(1)).when(start).then(started(1));
    given(set(), due(1), started(1)).when(start).thenNothing();
    const refusal = {
      type: 'RecordRefusal',
      data: { name, due_at: minute(1), code: 'c', message: 'm' },
      at: minute(1),
    } as const;
    given(set(), due(1), started(1)).when(refusal).thenNothing();
    const end = {
      type: 'RecordEnd',
      data: { name, due_at: minute(1), status: 'completed' },
      at: minute(2),
    } as const;
    given(set(), due(1)).when(end).thenNothing();
    given(set(), due(1), started(1))
      .when(end)
      .then(ended(1, minute(2)));
    given(set(), due(1), started(1), ended(1, minute(2)))
      .when(end)
      .thenNothing();
  });

  it('decides on every moment exactly once, whenever it is looked at and whatever runs take', () =>
    fc.assert(
      fc.property(
        fc.constantFrom('skip' as const, 'queue' as const, 'allow' as const),
        fc.array(fc.record({ waitS: fc.integer({ min: 1, max: 400 }), ends: fc.boolean() }), {
          maxLength: 40,
        }),
        (overlap, looks) => {
          const events: ScheduleEvent[] = [set({ overlap, catch_up_minutes: 3 })];
          const state = () => fold(schedule, events);
          const act = (command: ScheduleCommand) => {
            const decision = schedule.decide(command, state());
            if (decision instanceof Rejection) throw new Error(decision.message);
            events.push(...decision);
          };
          let seconds = 0;
          for (const { waitS, ends } of looks) {
            seconds += waitS;
            const at = minute(0, seconds);
            for (const { due_at, is_started } of state().pending)
              if (ends && is_started)
                act({ type: 'RecordEnd', data: { name, due_at, status: 'completed' }, at });
            act(tick(at));
            for (const { due_at, is_started } of state().pending)
              if (!is_started)
                act({ type: 'RecordStart', data: { name, due_at, workflow_id: 'w' }, at });
            expect(nextDueAt(state())).toBe(minute(Math.floor(seconds / 60) + 1));
            if (overlap !== 'allow') expect(state().pending.length).toBeLessThanOrEqual(1);
          }
          const decided = events.flatMap(({ type, data }) => {
            if (!('due_at' in data)) return [];
            const first = Date.parse(data.due_at);
            const count = type === 'OccurrencesMissed' ? data.count : 1;
            return Array.from({ length: count }, (_, at) => first + at * 60_000);
          });
          const all = Array.from({ length: Math.floor(seconds / 60) }, (_, at) =>
            Date.parse(minute(at + 1)),
          );
          expect([...new Set(decided)].toSorted((one, other) => one - other)).toEqual(all);
          const dues = events.filter(({ type }) => type === 'OccurrenceDue');
          expect(new Set(dues.map(({ data }) => JSON.stringify(data))).size).toBe(dues.length);
        },
      ),
    ));
});
