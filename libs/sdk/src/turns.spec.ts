import { Turns } from './turns';

let taken: number[];
let workMs: number;
let turns: Turns;
beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  [taken, workMs] = [[], 0];
  const work = async () => {
    taken.push(Date.now());
    if (workMs > 0) await new Promise((resolve) => setTimeout(resolve, workMs));
  };
  turns = new Turns(1_000, work, (defect) => {
    throw defect;
  });
  turns.start();
});
afterEach(async () => {
  workMs = 0;
  await Promise.all([turns.stop(), pass(10_000)]);
  jest.useRealTimers();
});

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe('turns', () => {
  it('come again and again', async () => {
    await pass(3_000);
    expect(taken).toEqual([1_000, 2_000, 3_000]);
  });

  it('are brought forward, never put off', async () => {
    turns.hurry(400);
    turns.hurry(700);
    turns.hurry(200);
    turns.hurry(5_000);
    await pass(999);
    expect(taken).toEqual([200]);
    await pass(201);
    expect(taken).toEqual([200, 1_200]);
  });

  it('that somebody hurried during one follow as soon as that, and not sooner', async () => {
    workMs = 100;
    await pass(1_050);
    turns.hurry(700);
    turns.hurry(300);
    turns.hurry(5_000);
    await pass(1_000);
    expect(taken).toEqual([1_000, 1_400]);
    await pass(450);
    expect(taken).toEqual([1_000, 1_400, 2_500]);
  });
});
