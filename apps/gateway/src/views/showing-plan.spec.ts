import { nextStep, type Shown } from './showing-plan';
import { viewAnswer, type ViewNews } from './view-news';

const first = viewAnswer(7, { services: ['a'] });
const other = viewAnswer(9, { services: ['a', 'b'] });
const problem: ViewNews = {
  kind: 'problem',
  problem: { code: 'message-bus/no-answer', message: 'nobody', kind: 'unavailable' },
};
const shown = (changes: Partial<Shown> = {}): Shown => ({
  tag: first.tag,
  atMs: 1_000,
  problemCode: undefined,
  ...changes,
});
const nothing = shown({ tag: undefined, atMs: -Infinity });
const step = (has: Shown, news: ViewNews, nowMs = 2_000) => nextStep(has, news, 250, nowMs);

describe('what a client is shown next', () => {
  it('first: the answer as it is', () =>
    expect(step(nothing, first)).toEqual({ kind: 'send', event: 'snapshot' }));

  it('nothing, as long as the answer is the one it has', () =>
    expect(step(shown(), viewAnswer(8, { services: ['a'] }))).toEqual({ kind: 'rest' }));

  it('another answer, when its time has come', () => {
    expect(step(shown(), other, 1_100)).toEqual({ kind: 'wait', ms: 150 });
    expect(step(shown(), other, 1_250)).toEqual({ kind: 'send', event: 'change' });
  });

  it('a problem at once, and once', () => {
    expect(step(shown(), problem, 1_001)).toEqual({ kind: 'send', event: 'problem' });
    const told = shown({ problemCode: 'message-bus/no-answer' });
    expect(step(told, problem)).toEqual({ kind: 'rest' });
  });

  it('after a problem the answer in any case, though it is the same', () => {
    const told = shown({ problemCode: 'message-bus/no-answer' });
    expect(step(told, first, 1_100)).toEqual({ kind: 'wait', ms: 150 });
    expect(step(told, first)).toEqual({ kind: 'send', event: 'snapshot' });
  });
});
