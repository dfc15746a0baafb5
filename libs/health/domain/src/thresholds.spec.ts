import { observe, unobserved, type Observation } from './thresholds';

const passed = { isPassed: true, detail: 'HTTP 200' };
const failed = { isPassed: false, detail: 'HTTP 503' };
const thresholds = { failure_threshold: 3, success_threshold: 2 };
const after = (...results: readonly (typeof passed)[]): Observation =>
  results.reduce((before, result) => observe(before, result, thresholds), unobserved);

describe('the thresholds of a health check', () => {
  it('leave an instance starting until enough results agree', () => {
    expect(after(passed).status).toBe('starting');
    expect(after(failed, failed).status).toBe('starting');
  });

  it('make it healthy at the success threshold', () =>
    expect(after(passed, passed).status).toBe('healthy'));

  it('make it unhealthy at the failure threshold', () =>
    expect(after(failed, failed, failed)).toEqual({ status: 'unhealthy', passes: 0, failures: 3 }));

  it('count only results in a row', () =>
    expect(after(passed, passed, failed, failed, passed, failed, failed).status).toBe('healthy'));

  it('need the success threshold again after a fall', () => {
    expect(after(failed, failed, failed, passed).status).toBe('unhealthy');
    expect(after(failed, failed, failed, passed, passed).status).toBe('healthy');
  });
});
