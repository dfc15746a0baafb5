import { Refusal } from '../refusal';

export const open = (waitMs: number): Refusal =>
  new Refusal('resilience/breaker-open', 'the target is left alone for a while', waitMs);

export const passed = (): Refusal =>
  new Refusal('resilience/deadline-passed', 'the caller does not wait any more');

export const nobody = (): Refusal =>
  new Refusal('resilience/no-endpoint', 'there is nobody who may take the call');

export const timedOut = (): Refusal => new Refusal('resilience/timed-out', 'no answer in time');

export const aborted = (): Refusal =>
  new Refusal('resilience/aborted', 'the caller has given the call up');

export const elsewhere = (): Refusal =>
  new Refusal('resilience/answered-elsewhere', 'another attempt has the answer');
