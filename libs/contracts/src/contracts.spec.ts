import { contracts } from './index';
import { commandSubject, eventSubject, querySubject } from './contract';
import { validate } from './validate';
import { Rejection, type JsonObject } from '@downbeat/eventsourcing';
import { z } from 'zod';

const all = Object.entries(contracts);
const commands = all.flatMap(([, { commands }]) => commands);
const queries = all.flatMap(([, { queries }]) => queries);
const events = all.flatMap(([, { events }]) => events);

const named = <One extends { readonly name: string }>(some: readonly One[]) =>
  some.map((one) => [one.name, one] as const);

describe('what is asked about the past', () => {
  it('is every query but those whose answer is no fact', () =>
    expect(
      queries.filter(({ presentOnly }) => presentOnly !== undefined).map(({ name }) => name),
    ).toEqual([
      'directory',
      'seal-secret',
      'secret-keys',
      'preview-migration',
      'queue-measurements',
      'verify',
      'what-if',
    ]));
});

/** The fields a schema knows, with those of all its alternatives. */
function fieldsOf(schema: z.ZodType): ReadonlySet<string> {
  const text = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const visit = (one: typeof text): readonly string[] => [
    ...Object.keys(one.properties ?? {}),
    ...[...(one.anyOf ?? []), ...(one.allOf ?? []), ...(one.oneOf ?? [])].flatMap((part) =>
      visit(part as typeof text),
    ),
  ];
  return new Set(visit(text));
}

const routeShape = ({ method, path }: { method: string; path: string }): string =>
  `${method} ${path.replace(/\{[^}]+\}/g, '{}')}`;

describe('every context', () => {
  it.each(all)('%s says what is its own', (context, own) => {
    for (const one of [...own.commands, ...own.queries, ...own.events])
      expect(one.context).toBe(context);
  });
});

describe('names', () => {
  it.each([
    ['commands', commands.map((one) => `${one.context} ${one.name}`)],
    ['queries', queries.map((one) => `${one.context} ${one.name}`)],
    ['events', events.map((one) => `${one.context} ${one.name} ${one.version}`)],
    ['routes', [...commands, ...queries].flatMap(({ http }) => (http ? [routeShape(http)] : []))],
  ])('of %s are given once', (_, names) => {
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('of commands are imperative and of events past, both in Pascal case; of queries kebab-case', () => {
    for (const { name } of [...commands, ...events]) expect(name).toMatch(/^([A-Z][a-z0-9]+)+$/);
    for (const { name } of events) expect(name).toMatch(/(ed|ing|Changed)$/);
    for (const { name } of queries) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });
});

describe('subjects', () => {
  const TOKENS = /^(command|query|event)\.[a-z]+\.[A-Za-z0-9-]+(\.[A-Za-z0-9_:@-]+)*$/;
  it('are plain tokens joined by dots', () => {
    for (const one of queries) expect(querySubject(one)).toMatch(TOKENS);
    for (const one of commands)
      expect(commandSubject(one, String((one.example as JsonObject)[one.idField]))).toMatch(TOKENS);
    for (const one of events)
      expect(eventSubject(one, String((one.example as JsonObject)[one.idField]))).toMatch(TOKENS);
  });
});

describe.each(named(commands))('the command %s', (_, { data, example, idField, http }) => {
  it('has an example that it accepts', () => {
    expect(validate(data, example)).not.toBeInstanceOf(Rejection);
  });

  it('is known by a field of its own', () => {
    expect(fieldsOf(data)).toContain(idField);
  });

  it('has a path whose every placeholder is a field', () => {
    const fields = fieldsOf(data);
    for (const [, field] of http.path.matchAll(/\{([^}]+)\}/g)) expect(fields).toContain(field);
    expect(http.path).toMatch(/^(\/([a-z-]+|\{[a-z_]+\}))+$/);
  });

  it('refuses a field that it does not know, and names it', () => {
    const refused = validate(data, { ...(example as JsonObject), colour: 'red' });
    expect(refused).toMatchObject({
      code: 'invalid-input',
      kind: 'invalid',
      errors: [{ field: 'colour', message: 'is not a known field' }],
    });
  });

  it.each([null, undefined, 7, 'text', []])('refuses what is no object: %j', (body) => {
    expect(validate(data, body)).toBeInstanceOf(Rejection);
  });

  it('refuses ids that would not fit into a subject', () => {
    for (const id of ['', 'a b', 'a\r\nb', '*', '>', 'a..b', 'x'.repeat(200), "a';drop table"])
      expect(validate(data, { ...(example as JsonObject), [idField]: id })).toBeInstanceOf(
        Rejection,
      );
  });
});

describe.each(named(queries))('the query %s', (_, { input, http }) => {
  it('refuses a field that it does not know, and names it', () => {
    const refused = validate(input, { colour: 'red' });
    if (!(refused instanceof Rejection)) throw new Error('it was accepted');
    expect(refused.errors.map(({ field }) => field)).toContain('colour');
  });

  it('has a path whose every placeholder is a field', () => {
    const fields = fieldsOf(input);
    for (const [, field] of http?.path.matchAll(/\{([^}]+)\}/g) ?? [])
      expect(fields).toContain(field);
  });
});

describe.each(named(events))('the event %s', (_, { data, example, idField }) => {
  it('has an example that it accepts, with its id', () => {
    const valid = validate(data, example);
    expect(valid).not.toBeInstanceOf(Rejection);
    expect((example as JsonObject)[idField]).toEqual(expect.any(String));
  });
});
