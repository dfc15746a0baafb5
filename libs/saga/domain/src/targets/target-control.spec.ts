import type { Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { targetControl, type TargetCommand, type TargetEvent } from './target-control';

const { given } = specification(targetControl);
const at = '2026-03-01T09:30:00.000Z' as Instant;
const service_name = 'stock';
const limit = (limits: object): TargetCommand => ({
  type: 'LimitTarget',
  data: { service_name, ...limits },
  at,
});
const pause: TargetCommand = { type: 'PauseTarget', data: { service_name, reason: 'moving' }, at };
const resume: TargetCommand = { type: 'ResumeTarget', data: { service_name }, at };
const limited = (limits: object): TargetEvent => ({
  type: 'TargetLimited',
  data: { service_name, limits, at },
});
const paused: TargetEvent = { type: 'TargetPaused', data: { service_name, reason: 'moving', at } };
const resumed: TargetEvent = { type: 'TargetResumed', data: { service_name, at } };

describe('the control of a target', () => {
  it('limits it', () =>
    given()
      .when(limit({ concurrency_max: 2 }))
      .then(limited({ concurrency_max: 2 })));
  it('does not say the same again', () =>
    given(limited({ concurrency_max: 2 }))
      .when(limit({ concurrency_max: 2 }))
      .then());
  it('lifts what a newer limit leaves out', () =>
    given(limited({ concurrency_max: 2, rate_per_second: 1 }))
      .when(limit({ rate_per_second: 1 }))
      .then(limited({ rate_per_second: 1 })));
  it('pauses it once', () => {
    given().when(pause).then(paused);
    given(paused).when(pause).then();
  });
  it('resumes only what is paused', () => {
    given(paused).when(resume).then(resumed);
    given(paused, resumed).when(resume).then();
    given().when(resume).then();
  });
});
