import { query } from '@downbeat/contracts';
import { Fault, Rejection } from '@downbeat/eventsourcing';
import type { QueryOutcome } from '@downbeat/message-bus';
import { ReadModelBehind, ReadPositionAhead, type Read } from '@downbeat/projections';
import { z } from 'zod';
import { Answers, type Question } from './answers';
import { cursorOf } from './pages';

const listThings = query({
  context: 'registry',
  name: 'list-things',
  summary: '',
  input: z.strictObject({
    limit: z.coerce.number().int().max(9).default(5),
    cursor: z.string().optional(),
  }),
  answer: z.object({ limit: z.number() }),
});
type Input = z.output<typeof listThings.input>;
type Answer = Read<{ limit: number }> | Rejection;

const showThing = query({
  ...{ context: 'registry', name: 'show-thing', summary: '', askedFor: 'owner' },
  input: z.strictObject({ owner: z.string() }),
  answer: z.object({ owner: z.string() }),
});

const countWaiting = query({
  ...{
    context: 'registry',
    name: 'count-waiting',
    summary: '',
    presentOnly: 'what waits is no fact',
  },
  input: z.strictObject({}),
  answer: z.object({ waiting: z.number() }),
});

class Waiting {
  @Answers(countWaiting)
  count(_: Question<object>): Promise<Read<{ waiting: number }> | Rejection> {
    return Promise.resolve({ position: 7, data: { waiting: 1 } });
  }
}

describe('a question about the present alone', () => {
  const ask = (payload: object): Promise<QueryOutcome> =>
    (new Waiting().count as unknown as (payload: object) => Promise<QueryOutcome>)(payload);

  it('is not answered about the past, and says why', async () => {
    expect(await ask({})).toMatchObject({ ok: true });
    for (const at of [0, 3, '2026-03-01T09:30:00Z'])
      expect(await ask({ at })).toMatchObject({
        ok: false,
        problem: {
          kind: 'invalid',
          errors: [{ field: 'at', message: 'is not possible here: what waits is no fact' }],
        },
      });
  });
});

class Broken extends Fault {
  readonly code = 'tests/broken';
  readonly remedy = 'give-up';
}

class Things {
  asked: Question<Input>[] = [];
  found: () => Answer = () => ({ position: 7, data: { limit: 1 } });

  @Answers(listThings)
  async list(question: Question<Input>): Promise<Answer> {
    this.asked.push(question);
    cursorOf(question.input.cursor);
    return this.found();
  }
}

class Owned {
  @Answers(showThing)
  show({ input }: Question<{ owner: string }>): Promise<Read<{ owner: string }> | Rejection> {
    return Promise.resolve({ position: 7, data: input });
  }
}

describe('a question in somebody’s name', () => {
  const ask = (owner: string, subject: string): Promise<QueryOutcome> => {
    const show = new Owned().show as unknown as (
      payload: unknown,
      context: unknown,
    ) => Promise<QueryOutcome>;
    const said = [{}, subject];
    return show({ input: { owner } }, { getArgByIndex: (at: number) => said[at] });
  };

  it('is about whom its subject names, and nobody else', async () => {
    const answered = { ok: true, data: { owner: 'billing' } };
    expect(await ask('billing', 'query.registry.show-thing.billing')).toMatchObject(answered);
    expect(await ask('billing', 'query.registry.show-thing.shop')).toMatchObject({
      ok: false,
      problem: {
        kind: 'invalid',
        errors: [{ field: 'owner', message: 'must be shop, as in the subject' }],
      },
    });
  });

  it('says by its content alone whom it is about when its subject names nobody', async () =>
    expect(await ask('billing', 'query.registry.show-thing')).toMatchObject({ ok: true }));
});

describe('a question', () => {
  let things: Things;
  beforeEach(() => (things = new Things()));
  const ask = (payload: unknown): Promise<QueryOutcome> =>
    things.list(payload as never) as Promise<unknown> as Promise<QueryOutcome>;

  it('is answered with the position of the answer, validated and with its defaults', async () => {
    expect(await ask({ input: { limit: '3' }, at: 4, min_position: 2 })).toEqual({
      ok: true,
      position: 7,
      data: { limit: 1 },
    });
    expect(things.asked).toEqual([{ input: { limit: 3 }, as: { at: 4, min_position: 2 } }]);
  });

  it.each([undefined, null, {}])('may say nothing: %j', async (payload) => {
    expect(await ask(payload)).toMatchObject({ ok: true });
    expect(things.asked).toEqual([{ input: { limit: 5 }, as: {} }]);
  });

  it.each<[unknown, string]>([
    [{ input: { limit: 10 } }, 'limit'],
    [{ input: { colour: 1 } }, 'colour'],
    [{ at: -1 }, 'at'],
    [{ at: 'now' }, 'at'],
    [{ min_position: '1' }, 'min_position'],
    [{ colour: 1 }, 'colour'],
    [JSON.parse('{"input":{"__proto__":{}}}'), 'input.__proto__'],
    [{ input: { cursor: 'abc' } }, 'cursor'],
    [7, ''],
  ])('is refused where it is wrong: %j', async (payload, field) => {
    expect(await ask(payload)).toMatchObject({
      ok: false,
      problem: { kind: 'invalid', errors: [{ field }] },
    });
  });

  it('gets a rejection as a problem', async () => {
    things.found = () => new Rejection('thing-unknown', 'there is no such thing', 'not-found');
    expect(await ask({})).toEqual({
      ok: false,
      problem: { code: 'thing-unknown', message: 'there is no such thing', kind: 'not-found' },
    });
  });

  it('about a moment to come is wrong in its field', async () => {
    things.found = () => {
      throw new ReadPositionAhead(99, 7);
    };
    expect(await ask({ at: 99 })).toMatchObject({
      ok: false,
      problem: { code: 'invalid-input', kind: 'invalid', errors: [{ field: 'at' }] },
    });
  });

  it('that can be answered later is not answerable now', async () => {
    things.found = () => {
      throw new ReadModelBehind('things', 9, 7);
    };
    expect(await ask({})).toMatchObject({ ok: false, problem: { kind: 'unavailable' } });
  });

  it.each([new Broken('secret'), new TypeError('secret')])(
    'never gets to see what broke for good: %s',
    async (fault) => {
      things.found = () => {
        throw fault;
      };
      await expect(ask({})).rejects.toBe(fault);
    },
  );
});
