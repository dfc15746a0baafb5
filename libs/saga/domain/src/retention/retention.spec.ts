import type { Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import {
  BUILT_IN_RULES,
  dueRules,
  retentionPolicy,
  type RetentionCommand,
  type RetentionEvent,
  type RetentionRules,
} from './retention';

const { given } = specification(retentionPolicy);
const at = '2026-03-01T09:30:00.000Z' as Instant;
const workflow_name = 'order-goods';
const week: RetentionRules = { completed: { archive_after_days: 7, purge_after_days: 90 } };
const put = (rules: RetentionRules): RetentionCommand => ({
  type: 'PutRetentionPolicy',
  data: { workflow_name, ...rules },
  at,
});
const remove: RetentionCommand = { type: 'DeleteRetentionPolicy', data: { workflow_name }, at };
const set = (rules: RetentionRules): RetentionEvent => ({
  type: 'RetentionPolicySet',
  data: { workflow_name, rules, at },
});
const deleted: RetentionEvent = { type: 'RetentionPolicyDeleted', data: { workflow_name, at } };

describe('a retention policy', () => {
  it('is what was said last', () => given(set({})).when(put(week)).then(set(week)));
  it('is not said twice', () => given(set(week)).when(put(week)).thenNothing());
  it('can be taken back, once', () => {
    given(set(week)).when(remove).then(deleted);
    given(set(week), deleted).when(remove).thenNothing();
    given().when(remove).thenNothing();
  });
  it('can be said again', () => given(set(week), deleted).when(put(week)).then(set(week)));
});

describe('what is due', () => {
  const names = ['order-goods', 'other'];
  const said = new Map([[workflow_name, week]]);

  it('is by the policy of the workflow, else by the default', () => {
    expect(dueRules('archive', names, said)).toEqual([
      { workflow_name, status: 'completed', afterDays: 7 },
      { workflow_name: 'other', status: 'completed', afterDays: 30 },
      { workflow_name: 'other', status: 'failed', afterDays: 90 },
      { workflow_name: 'other', status: 'compensated', afterDays: 90 },
    ]);
    expect(dueRules('purge', names, said)).toEqual([
      { workflow_name, status: 'completed', afterDays: 90 },
    ]);
  });

  it('is by the default that was said, once one was', () => {
    const fallback = new Map([...said, ['_default', { failed: { archive_after_days: 0 } }]]);
    expect(dueRules('archive', ['other'], fallback)).toEqual([
      { workflow_name: 'other', status: 'failed', afterDays: 0 },
    ]);
  });

  it('never is to purge anything unless somebody said so', () => {
    for (const ages of Object.values(BUILT_IN_RULES))
      expect(ages).not.toHaveProperty('purge_after_days');
  });
});
