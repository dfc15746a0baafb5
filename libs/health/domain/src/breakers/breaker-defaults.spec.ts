import type { Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import {
  breakerDefaults,
  type BreakerDefaultsCommand,
  type BreakerDefaultsEvent,
} from './breaker-defaults';

const { given } = specification(breakerDefaults);
const at = '2026-03-01T09:30:00.000Z' as Instant;
const settings = { failure_threshold: 5, success_threshold: 3, timeout_duration: 60 };
const put: BreakerDefaultsCommand = { type: 'SetDefaults', data: { settings }, at };
const remove: BreakerDefaultsCommand = { type: 'RemoveDefaults', data: {}, at };
const set: BreakerDefaultsEvent = { type: 'BreakerDefaultsSet', data: { settings, at } };
const removed: BreakerDefaultsEvent = { type: 'BreakerDefaultsRemoved', data: { at } };

describe('the defaults of breakers', () => {
  it('are set when they are other ones', () => {
    given().when(put).then(set);
    given(set).when(put).thenNothing();
    given(set, removed).when(put).then(set);
  });
  it('are removed when there are any', () => {
    given(set).when(remove).then(removed);
    given().when(remove).thenRejected('no-breaker-defaults');
  });
});
