import { judgeBody, judgeHttp } from './expectations';

const request = { kind: 'http', url: 'http://10.0.0.7:3000/health' } as const;
const isUp = { field: 'status', values: ['UP', 'ok'] };

describe('an HTTP answer', () => {
  it.each([
    [200, true],
    [204, true],
    [299, true],
    [302, false],
    [404, false],
    [503, false],
  ])('of %i passes: %s', (status, isPassed) =>
    expect(judgeHttp(request, status, '')).toEqual({ isPassed, detail: `HTTP ${status}` }),
  );

  it('passes with the statuses that are expected, and no other', () => {
    const expecting = { ...request, expectedStatuses: [401] };
    expect(judgeHttp(expecting, 401, '').isPassed).toBe(true);
    expect(judgeHttp(expecting, 200, '').isPassed).toBe(false);
  });

  it('has to say what is expected, too', () => {
    const expecting = { ...request, expectedBody: isUp };
    expect(judgeHttp(expecting, 200, '{"status":"UP"}')).toEqual({
      isPassed: true,
      detail: 'HTTP 200, status is "UP"',
    });
    expect(judgeHttp(expecting, 200, '{"status":"DOWN"}')).toEqual({
      isPassed: false,
      detail: 'HTTP 200, status is "DOWN"',
    });
    expect(judgeHttp(expecting, 503, '{"status":"UP"}')).toEqual({
      isPassed: false,
      detail: 'HTTP 503',
    });
  });
});

describe('a body', () => {
  it.each(['', 'UP', '[]', 'null', '{}', '"status"', '{"Status":"UP"}', '{"status"', '7'])(
    'that does not say it fails: %j',
    (body) => expect(judgeBody(isUp, body)).toMatchObject({ isPassed: false }),
  );

  it('is looked into by names joined by dots', () => {
    const expected = { field: 'parts.0.up', values: [true] };
    expect(judgeBody(expected, '{"parts":[{"up":true}]}').isPassed).toBe(true);
    expect(judgeBody(expected, '{"parts":[{"up":"true"}]}').isPassed).toBe(false);
  });

  it.each(['constructor', '__proto__', 'constructor.name', 'toString'])(
    'has no %s of its own',
    (field) =>
      expect(judgeBody({ field, values: ['Object'] }, '{}')).toEqual({
        isPassed: false,
        detail: `no ${field} in the body`,
      }),
  );

  it('is shown in part only', () =>
    expect(
      judgeBody(isUp, JSON.stringify({ status: 'x'.repeat(5_000) })).detail.length,
    ).toBeLessThan(150));
});
