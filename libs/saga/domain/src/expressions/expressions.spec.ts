import type { Json, JsonObject } from '@downbeat/eventsourcing';
import { compileExpression, shownInput } from './cel';
import { applyMapping, compileMapping } from './mapping';
import { lookUp, parsePath } from './path';
import type { Scope } from './scope';

const context: JsonObject = {
  order: { quantity: 5, price: 2.5, name: 'x', list: [1, 2, 3], date: '2026-03-01T00:00:00Z' },
  n: 3,
  items: [
    { price: 2, quantity: 3 },
    { price: 4.5, quantity: 1 },
  ],
};

function evaluate(source: string, scope: Scope = { context }) {
  const expression = compileExpression(source);
  if ('message' in expression) throw new Error(expression.message);
  return expression.evaluate(scope);
}

const refusal = (source: string): string => {
  const expression = compileExpression(source);
  return 'message' in expression ? expression.message : `accepted ${source}`;
};

describe('a CEL expression', () => {
  it.each<[string, Json]>([
    ['order.quantity + 1', 6],
    ['2 * n', 6],
    ['n / 2', 1.5],
    ['7 % n', 1],
    ['order.quantity * order.price', 12.5],
    ['1 + 1', 2],
    ['order.list[n - 1]', 3],
    ['size(order.list) * n', 9],
    ['n == 3 && order.quantity >= 5', true],
    ['order.name + "!"', 'x!'],
    ['has(order.missing)', false],
    ['has(context.n)', true],
    ['has(context.missing)', false],
    ['order.missing == 1 || n == 3', true],
    ['items.map(i, i.price * i.quantity)', [6, 4.5]],
    ['items.filter(i, i.price > 3)', [{ price: 4.5, quantity: 1 }]],
    ['items.all(i, i.quantity > 0) && items.exists(i, i.price == 2)', true],
    ['["a", order.name].join("-")', 'a-x'],
    ['{"total": n, "tags": [1, "two"]}', { total: 3, tags: [1, 'two'] }],
    ['timestamp(order.date).getFullYear()', 2026],
    ['timestamp(order.date) + duration("1h")', '2026-03-01T01:00:00.000Z'],
    ['order["name"]', 'x'],
    ['null', null],
    ['size(order.list + order.list)', 6],
    ['order.list + [4]', [1, 2, 3, 4]],
    ['[0] + order.list', [0, 1, 2, 3]],
  ])('%s gives %j', (source, value) => {
    expect(evaluate(source)).toEqual({ ok: true, value });
  });

  it.each([
    ['order.missing', /No such key/],
    ['missing', /Unknown variable/],
    ['n && true', /bool/],
    ['n + order.name', /no such overload/],
    ['1 / 0', /division by zero/],
    ['0.0 / 0.0', /not a JSON number/],
    ['9007199254740993 + 0', /too large/],
    ['b"abc"', /not JSON/],
  ])('%s fails, and does not throw', (source, message) => {
    const expression = compileExpression(source);
    if ('message' in expression) return;
    expect(expression.evaluate({ context })).toEqual({
      ok: false,
      message: expect.stringMatching(message) as string,
    });
  });

  it.each(['constructor', 'toString', 'order.constructor', 'order.__proto__', '__proto__'])(
    'finds nothing behind %s',
    (source) => {
      const expression = compileExpression(source);
      if ('message' in expression) return;
      expect(expression.evaluate({ context }).ok).toBe(false);
    },
  );

  it('cannot make an object with a prototype of its own', () => {
    expect(evaluate('{"__proto__": {"isAdmin": true}}')).not.toHaveProperty('value.isAdmin');
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });

  it.each([
    ['n +', /does not parse/],
    ['order.name.matches("(a+)+$")', /matches is not known/],
    ['cel.bind(a, [1], a)', /cel is a word of CEL/],
    ['fetch("http://x")', /fetch is not known/],
    ['timestamp(order.date).getHours("Europe/Berlin")', /no time zone/],
    ['items.map(i, items.map(j, j))', /inside another loop/],
    ['items.map(i, i.a + i.b + i.c + i.d + i.e + i.f)', /additions/],
    ['items.map(i, order.name.split(""))', /split/],
    ['context', /context.booking/],
    ['type == "gold"', /say context.type/],
    ['"a" + 1', /not valid/],
    [`${'n - '.repeat(200)}n`, /more than 250/],
    [`${'n + '.repeat(60)}n`, /more than 50 additions/],
    ['['.repeat(100), /does not parse/],
  ])('refuses %.60s', (source, message) => {
    expect(refusal(source)).toMatch(message);
  });

  it('does not loop over large data', () => {
    const large = { context: { rows: Array.from({ length: 5_000 }, (_, index) => index) } };
    expect(evaluate('rows.exists(x, x == 4999)', large)).toEqual({
      ok: false,
      message: 'the data is too large for this expression',
    });
    expect(evaluate('size(rows)', large)).toEqual({ ok: true, value: 5_000 });
    expect(evaluate('size(rows + rows)', large)).toEqual({ ok: true, value: 10_000 });
    expect(evaluate(`size(rows${' + rows'.repeat(50)})`, large)).toMatchObject({ ok: false });
    const text = { context: { rows: ['x'.repeat(20_000)] } };
    expect(evaluate('rows.exists(x, x == "y")', text)).toMatchObject({ ok: false });
  });

  it('knows what it reads, and shows the plain values among it', () => {
    const expression = compileExpression(
      'order.quantity > 1 && items.exists(i, i.price > n) && order.list[0] == 1',
    );
    if ('message' in expression) throw new Error(expression.message);
    expect(expression.paths).toEqual([['order', 'quantity'], ['items'], ['n'], ['order', 'list']]);
    expect(shownInput(expression, { context })).toEqual({ 'order.quantity': 5, n: 3 });
  });
});

describe('a path', () => {
  it.each<[string, Json | undefined]>([
    ['n', 3],
    ['order.name', 'x'],
    ['order.list.1', 2],
    ['items.0.price', 2],
    ['order.missing', undefined],
    ['n.deeper', undefined],
    ['order.name.length', undefined],
    ['order.list.length', undefined],
    ['missing.deeper', undefined],
    ['order.toString', undefined],
    ['items.0.valueOf', undefined],
  ])('%s leads to %j', (source, value) => {
    const path = parsePath(source);
    if ('message' in path) throw new Error(path.message);
    expect(lookUp(context, path)).toEqual(value);
  });

  it.each(['', 'a..b', '.a', 'a.', 'a b', 'a.__proto__', 'constructor.a', 'a[0]', '"text"'])(
    'is not %j',
    (source) => expect(parsePath(source)).toHaveProperty('message'),
  );
});

describe('a mapping', () => {
  const mapping = (fields: Record<string, string>, base: 'scope' | 'output' = 'scope') => {
    const errors: { field: string; message: string }[] = [];
    const made = compileMapping(fields, base, 'm', errors);
    return { made, errors };
  };

  it('leaves out what leads nowhere', () => {
    const { made } = mapping({
      name: 'order.name',
      gone: 'order.gone',
      root: 'toString',
      twice: '=n * 2',
    });
    expect(applyMapping(made, { context })).toStrictEqual({
      ok: true,
      value: { name: 'x', twice: 6 },
    });
  });

  it('fails as a whole, and says where, when an expression fails', () => {
    const { made } = mapping({ name: 'order.name', gone: '=order.gone' });
    expect(applyMapping(made, { context })).toEqual({
      ok: false,
      message: 'gone: No such key: gone',
    });
  });

  it('reads the answer and the context of an undo', () => {
    const { made } = mapping({
      id: 'output.id',
      name: 'order.name',
      all: '=output.id + order.name',
    });
    expect(applyMapping(made, { context, output: { id: 'h' } })).toEqual({
      ok: true,
      value: { id: 'h', name: 'x', all: 'hx' },
    });
  });

  it('reads paths of an output mapping inside the answer', () => {
    const { made } = mapping({ hold: 'data.id', whole: '=output' }, 'output');
    expect(applyMapping(made, { context, output: { data: { id: 7 } } })).toEqual({
      ok: true,
      value: { hold: 7, whole: { data: { id: 7 } } },
    });
  });

  it('takes a start value named output for one, as long as there is no answer', () => {
    const { made } = mapping({ value: 'output.value' });
    expect(applyMapping(made, { context: { output: { value: 1 } } })).toEqual({
      ok: true,
      value: { value: 1 },
    });
  });

  it('names the place of what is wrong', () => {
    const { errors } = mapping({ a: '=1 +', b: 'x y', constructor: 'n' });
    expect(errors.map(({ field }) => field)).toEqual(['m.a', 'm.b', 'm.constructor']);
  });
});
