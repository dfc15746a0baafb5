import { call, compiled, Player } from '../testing';

const step = (retry_policy: object, more: object = {}) =>
  compiled([call('a', { retry_policy: { jitter: 0, ...retry_policy }, ...more })]);
/** Answers with each failure in turn, letting every retry come due; says how often it was called. */
function callsOf(player: Player, failures: readonly (number | 'timeout' | 'refused')[]): number {
  for (const failure of failures) {
    if (!player.calling.includes('a')) break;
    if (failure === 'timeout') player.timeout('a');
    else if (failure === 'refused') player.answer('a', { kind: 'refused', message: 'nobody' });
    else player.status4xx('a', failure);
    const timer = player.timers.find((id) => id.startsWith('retry:'));
    if (timer !== undefined) player.due(timer);
  }
  return player.calls.filter(({ purpose }) => purpose === 'step').length;
}

describe('the rules of a retry policy', () => {
  it.each<[string, object, (number | 'timeout' | 'refused')[], number]>([
    [
      'a rule can retry what is not retried otherwise',
      { rules: [{ match: [409], max_retries: 2 }] },
      [409, 409, 409, 409],
      3,
    ],
    [
      'a rule can say never',
      { max_retries: 5, rules: [{ match: [503], max_retries: 0 }] },
      [503],
      1,
    ],
    [
      'the first that matches governs',
      {
        rules: [
          { match: ['5xx'], max_retries: 1 },
          { match: ['any'], max_retries: 9 },
        ],
      },
      [503, 500, 503],
      2,
    ],
    [
      'what no rule names falls to the policy',
      { max_retries: 1, rules: [{ match: ['timeout'], max_retries: 4 }] },
      [503, 503, 503],
      2,
    ],
    ['what nobody retries is not retried', { rules: [{ match: ['timeout'] }] }, [404], 1],
    [
      'connection means refused too',
      { max_retries: 0, rules: [{ match: ['connection'], max_retries: 1 }] },
      ['refused', 'refused'],
      2,
    ],
    [
      'each has a budget of its own, and so has the policy',
      {
        max_retries: 1,
        rules: [
          { match: [429], max_retries: 2 },
          { match: ['timeout'], max_retries: 1 },
        ],
      },
      [429, 'timeout', 503, 429, 429, 429],
      5,
    ],
    [
      'a spent budget is spent, whatever the others have left',
      { max_retries: 9, rules: [{ match: [429], max_retries: 1 }] },
      [503, 429, 503, 429, 503],
      4,
    ],
  ])('%s', (_, policy, failures, calls) =>
    expect(callsOf(new Player(step(policy)).start(), failures)).toBe(calls),
  );

  it('wait as they say, and as the policy does where they say nothing', () => {
    const player = new Player(
      step({
        initial_delay_ms: 100,
        backoff_multiplier: 3,
        rules: [{ match: [429], max_retries: 5, initial_delay_ms: 1_000 }],
      }),
    ).start();
    const waits: number[] = [];
    for (const status of [429, 503, 429, 503]) {
      const before = player.now;
      callsOf(player, [status]);
      waits.push(player.now - before);
    }
    expect(waits).toEqual([1_000, 100, 3_000, 300]);
  });

  it('are recorded with each failure they govern', () => {
    const player = new Player(step({ rules: [{ match: ['timeout'] }, { match: [429] }] })).start();
    callsOf(player, [429, 503]);
    const [first, second] = player.events.filter(({ type }) => type === 'StepAttemptFailed');
    expect(first).toMatchObject({ data: { rule: 1 } });
    expect(second?.data).not.toHaveProperty('rule');
  });

  it('begin anew after an operator retried, with the budget he gave', () => {
    const player = new Player(
      step({ rules: [{ match: [429], max_retries: 1 }] }, { compensation_action: undefined }),
    ).start();
    callsOf(player, [429, 429]);
    expect(player.status).toBe('failed');
    player.retry({ max_retries: 2 });
    expect(callsOf(player, [429, 429, 429, 429])).toBe(5);
  });

  it('of an undo are its own', () => {
    const player = new Player(
      compiled([
        call('b', {
          compensation_action: {
            service_name: 'b',
            endpoint: '/undo',
            retry_policy: { max_retries: 0, rules: [{ match: [404], max_retries: 1 }] },
          },
        }),
        call('a'),
      ]),
    ).start();
    player.ok('b');
    player.status4xx('a');
    player.status4xx('b:undo', 404);
    expect(player.timers).toEqual(['undo:b:1']);
    player.due('undo:b:1');
    player.status4xx('b:undo', 503);
    expect(player.events.at(-1)).toMatchObject({ type: 'IncidentOpened' });
  });

  it.each<[object[], string, string]>([
    [[{ match: ['any'] }, { match: [503] }], 'steps.0.retry_policy.rules.1.match', 'earlier'],
    [
      [{ match: ['5xx'] }, { match: [503, '5xx'] }],
      'steps.0.retry_policy.rules.1.match',
      'earlier',
    ],
    [
      [{ match: [429], max_retries: 2, initial_delay_ms: 3_000_000, max_delay_ms: 3_000_000 }],
      'steps.0.retry_policy.rules.0',
      'cannot fit',
    ],
  ])('are refused with their place: %j', (rules, field, message) =>
    expect(() => step({ rules })).toThrow(
      new RegExp(`${field.replaceAll('.', '[.]')}".*${message}`),
    ),
  );
});
