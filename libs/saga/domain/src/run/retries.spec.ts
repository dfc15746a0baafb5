import { retryPolicy } from '@downbeat/contracts';
import { call, compiled, parallel, Player } from '../testing';
import { certaintyOf, isRetriable, retryDelayMs, type Failure } from './classification';

const policy = (more: object = {}) => retryPolicy.parse(more);
const status = (code: number): Failure => ({ kind: 'answer', status: code, message: 'm' });

describe('an answer', () => {
  it.each<[Failure, 'failed' | 'unknown', boolean]>([
    [status(301), 'failed', false],
    [status(400), 'failed', false],
    [status(404), 'failed', false],
    [status(409), 'failed', false],
    [status(408), 'failed', true],
    [status(425), 'failed', true],
    [status(429), 'failed', true],
    [status(500), 'failed', true],
    [status(503), 'failed', true],
    [status(502), 'unknown', true],
    [status(504), 'unknown', true],
    [{ kind: 'refused', message: 'm' }, 'failed', true],
    [{ kind: 'broken', message: 'm' }, 'unknown', true],
    [{ kind: 'timeout', message: 'm' }, 'unknown', true],
  ])('%j is %s, retried: %s', (failure, certainty, isRetried) => {
    expect(certaintyOf(failure, false)).toBe(certainty);
    expect(isRetriable(failure, policy())).toBe(isRetried);
  });

  it('of a call that may have been sent before is unknown', () =>
    expect(certaintyOf(status(409), true)).toBe('unknown'));

  it.each<[unknown[], number, boolean]>([
    [[409], 409, true],
    [[409], 404, false],
    [['4xx'], 404, true],
    [['4xx'], 301, false],
    [['any'], 301, true],
    [['5xx', 'timeout', 'connection'], 404, false],
  ])('with retry_on %j and status %i is retried: %s', (retry_on, code, isRetried) =>
    expect(isRetriable(status(code), policy({ retry_on }))).toBe(isRetried),
  );
});

describe('the delay before a retry', () => {
  const plain = policy({
    initial_delay_ms: 100,
    backoff_multiplier: 2,
    max_delay_ms: 1_000,
    jitter: 0,
  });

  it('doubles, up to its bound', () =>
    expect([1, 2, 3, 4, 5, 99].map((retry) => retryDelayMs(plain, retry, 1))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]));

  it.each([
    [0, 50],
    [0.5, 75],
    [1, 100],
    [7, 100],
    [-1, 50],
    [NaN, 50],
  ])('leaves the share of the jitter to chance (%d: %d ms)', (chance, delayMs) =>
    expect(retryDelayMs({ ...plain, jitter: 0.5 }, 1, chance)).toBe(delayMs),
  );

  it.each([
    [50, 100],
    [700, 700],
    [60_000, 1_000],
    [NaN, 100],
    [-5, 100],
  ])('is at least what Retry-After says, up to its bound (%d: %d ms)', (after, delayMs) =>
    expect(retryDelayMs(plain, 1, 1, after)).toBe(delayMs),
  );
});

describe('a step that is retried', () => {
  const retried = (max_retries: number, more: object = {}) =>
    compiled([
      call('a', {
        retry_policy: { max_retries, initial_delay_ms: 1_000, jitter: 0, ...more },
        compensation_action: {
          service_name: 'a',
          endpoint: '/u',
          retry_policy: { max_retries: 0 },
        },
      }),
    ]);

  it.each([0, 1, 3])('is called n + 1 times for n = %i retries, with one key', (retries) => {
    const player = new Player(retried(retries)).start();
    for (let retry = 1; retry <= retries; retry++) {
      player.status4xx('a', 503);
      expect(player.timers).toContain(`retry:a:${retry}`);
      player.due(`retry:a:${retry}`);
    }
    player.status4xx('a', 503);
    expect(player.calls.map(({ attempt }) => attempt)).toEqual(
      Array.from({ length: retries + 1 }, (_, index) => index + 1),
    );
    expect(new Set(player.calls.map(({ key }) => key)).size).toBe(1);
    expect(player.status).toBe('failed');
  });

  it('records every attempt before the call, and the delay with its chance', () => {
    const player = new Player(retried(1)).start();
    player.answer('a', { kind: 'answer', status: 429, message: 'slow', retry_after_ms: 5_000 });
    expect(player.events.at(-1)).toMatchObject({
      type: 'StepAttemptFailed',
      data: { attempt: 1, status: 429, retry_at: '2026-03-01T09:30:05.000Z', chance: 0.5 },
    });
    expect(player.due('retry:a:1')).toMatchObject([{ type: 'StepRetried', data: { attempt: 2 } }]);
  });

  it('takes no notice of an earlier attempt while it waits or calls again', () => {
    const player = new Player(retried(1)).start();
    const late = () =>
      player.say({
        type: 'CallAnswered',
        at: player.at,
        chance: 0,
        data: {
          purpose: 'step',
          step: 'a',
          attempt: 1,
          result: { kind: 'ok', output: 1 },
          reissued: false,
        },
      });
    player.timeout('a');
    expect(late()).toEqual([]);
    player.due('retry:a:1');
    expect(late()).toEqual([]);
  });

  it('that succeeds in the end has completed', () => {
    const player = new Player(retried(1)).start();
    player.timeout('a');
    player.due('retry:a:1');
    player.ok('a');
    expect(player.status).toBe('completed');
  });

  it.each([409, 503])('is in doubt once a call was, even if the last answer is %i', (last) => {
    const player = new Player(retried(1)).start();
    player.timeout('a');
    player.due('retry:a:1');
    player.status4xx('a', last);
    expect(player.events).toContainEqual(
      expect.objectContaining({
        type: 'StepFailed',
        data: expect.objectContaining({ outcome: 'unknown', attempts: 2 }) as object,
      }),
    );
    expect(player.calling).toEqual(['a:undo']);
  });

  it('does not wait for a retry that could only begin after the time-out', () => {
    const definition = compiled(
      [call('a', { retry_policy: { max_retries: 1, initial_delay_ms: 10_000, jitter: 1 } })],
      { timeout_minutes: 0.1 },
    );
    const player = new Player(definition);
    player.chance = 1;
    player.start();
    player.status4xx('a', 503);
    expect(player.events.at(-1)).toMatchObject({
      type: 'WorkflowFailed',
      data: { reason: 'a failed: HTTP 503: no (no time left for another call)' },
    });
  });

  it('issued again after a take-over is in doubt unless it succeeds', () => {
    const refused = new Player(retried(0)).start().crash();
    refused.answer('a', { kind: 'refused', message: 'refused' });
    expect(refused.calling).toEqual(['a:undo']);

    const succeeded = new Player(retried(0)).start().crash();
    succeeded.ok('a');
    expect(succeeded.status).toBe('completed');
  });
});

describe('an optional step', () => {
  const definition = compiled([
    call('a', { optional: true, output_mapping: { a_id: '=output.id' } }),
    call('b'),
    call('c'),
  ]);

  it('that fails for sure is passed, and not undone', () => {
    const player = new Player(definition).start();
    player.status4xx('a');
    player.ok('b');
    player.status4xx('c');
    player.ok('b:undo');
    expect(player.undone).toEqual(['b']);
    expect(player.status).toBe('compensated');
  });

  it.each<[string, (player: Player) => void]>([
    ['unknown', (player) => player.timeout('a')],
    ['unusable', (player) => player.ok('a', {})],
  ])('that is %s is passed, and undone with the others', (_, end) => {
    const player = new Player(definition).start();
    end(player);
    player.ok('b');
    player.status4xx('c');
    player.ok('b:undo');
    player.ok('a:undo');
    expect(player.undone).toEqual(['b', 'a']);
  });

  it('that cannot be called is passed too', () => {
    const player = new Player(
      compiled([call('a', { optional: true, input_mapping: { x: '=missing' } }), call('b')]),
    ).start();
    player.ok('b');
    expect(player.status).toBe('completed');
  });

  it('in the last place of a branch completes the group', () => {
    const player = new Player(
      compiled([parallel('p', [call('a', { optional: true })], [call('b')])]),
    ).start();
    player.ok('b');
    player.status4xx('a');
    expect(player.status).toBe('completed');
  });
});
