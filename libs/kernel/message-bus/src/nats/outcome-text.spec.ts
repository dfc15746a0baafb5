import type { CommandOutcome, Problem } from '../command-outcome';
import { asRepeated, outcomeFrom, outcomeText } from './outcome-text';

const at = { stream: 'command-registry', sequence: 12 };
const refused = (kind: Problem['kind']): CommandOutcome => ({
  accepted: false,
  problem: { code: 'c', message: 'two\nlines', kind, errors: [{ field: 'a', message: 'b' }] },
});

describe('the text of an outcome', () => {
  it('is an acknowledgement when the command was accepted', () => {
    const outcome: CommandOutcome = {
      accepted: true,
      position: 3,
      answer: { a: 1 },
      repeated: true,
    };
    const text = outcomeText(outcome, at);
    expect(JSON.parse(text)).toEqual({
      ...outcome,
      stream: 'command-registry',
      seq: 12,
      duplicate: true,
    });
    expect(outcomeFrom(text)).toEqual(outcome);
  });

  it('says of a repetition that it is one, and of a refusal nothing new', () => {
    const outcome: CommandOutcome = { accepted: true, position: 3, answer: {}, repeated: false };
    expect(JSON.parse(outcomeText(asRepeated(outcome), at))).toMatchObject({
      repeated: true,
      duplicate: true,
    });
    expect(asRepeated(refused('conflict'))).toEqual(refused('conflict'));
  });

  it.each([
    ['invalid', 400],
    ['not-found', 404],
    ['conflict', 409],
    ['internal', 500],
    ['unavailable', 503],
  ] as const)('is an error when it was refused as %s', (kind, code) => {
    const text = outcomeText(refused(kind), at);
    expect(JSON.parse(text)).toMatchObject({ error: { code, description: 'c: two lines' } });
    expect(outcomeFrom(text)).toEqual(refused(kind));
  });

  it.each(['', 'x', 'null', '[]', '{"stream":"s","seq":1}'])('is not %j', (text) =>
    expect(outcomeFrom(text)).toBeUndefined(),
  );
});
