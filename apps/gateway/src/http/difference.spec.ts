import type { Json } from '@downbeat/eventsourcing';
import fc from 'fast-check';
import { differenceOf, type Change } from './difference';

const changes = (before: Json | undefined, after: Json | undefined) =>
  differenceOf(before, after).changes;

describe('the difference of two answers', () => {
  it('is nothing of what is the same', () =>
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(changes(value as Json, structuredClone(value) as Json)).toEqual([]);
      }),
    ));

  it('names fields by their place', () =>
    expect(changes({ a: { 'b/c~': 1 }, gone: 2 }, { a: { 'b/c~': 3 }, here: null })).toEqual([
      { kind: 'changed', path: '/a/b~1c~0', before: 1, after: 3 },
      { kind: 'removed', path: '/gone', before: 2 },
      { kind: 'added', path: '/here', after: null },
    ]));

  it('knows items by their id, wherever they stand', () => {
    const before = {
      services: [
        { service_id: 'a', on: true },
        { service_id: 'b', on: true },
      ],
    };
    const after = {
      services: [
        { service_id: 'c', on: true },
        { service_id: 'a', on: false },
      ],
    };
    expect(changes(before, after)).toEqual([
      { kind: 'added', path: '/services/0', item: { service_id: 'c' }, after: after.services[0] },
      {
        ...{ kind: 'changed', path: '/services/1/on', item: { service_id: 'a' } },
        ...{ before: true, after: false },
      },
      {
        kind: 'removed',
        path: '/services/1',
        item: { service_id: 'b' },
        before: before.services[1],
      },
    ]);
  });

  it('prefers the id that the list is named after to others that happen to differ', () => {
    const list = (owner: string) => ({ policies: [{ owner_id: owner, policy_id: 'p' }] });
    expect(changes(list('x'), list('y'))).toMatchObject([
      { kind: 'changed', path: '/policies/0/owner_id', item: { policy_id: 'p' } },
    ]);
  });

  it('knows items without an id of their own by their place', () =>
    expect(changes([{ n_id: 'x' }, { n_id: 'x' }], [{ n_id: 'x' }])).toEqual([
      { kind: 'removed', path: '/1', before: { n_id: 'x' } },
    ]));

  it('of something that was not there yet is all of it', () =>
    expect(changes(undefined, { a: 1 })).toEqual([{ kind: 'added', path: '', after: { a: 1 } }]));

  it('ends after so many, and says so', () => {
    const many = Array.from({ length: 20 }, (_, at) => at);
    expect(differenceOf([], many, 5)).toMatchObject({ isCut: true, changes: { length: 5 } });
    expect(differenceOf([], many, 20)).toMatchObject({ isCut: false, changes: { length: 20 } });
  });

  it('is not fooled by names of prototypes, nor by depth', () => {
    const odd = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as Json;
    expect(changes(odd, {}).map(({ path }) => path)).toEqual(['/__proto__', '/constructor']);
    let deep: Json = 1;
    for (let at = 0; at < 100; at++) deep = [deep];
    expect(changes(deep, [[]])).toHaveLength(1);
  });

  it('says enough to make the later answer from the earlier one, for lists with ids', () =>
    fc.assert(
      fc.property(aList, aList, (before, after) => {
        const made = new Map(before.map((one) => [one.id, structuredClone(one)]));
        for (const change of changes(before, after)) apply(made, change);
        const sorted = (some: Iterable<object>) =>
          [...some].map((one) => JSON.stringify(one)).sort();
        expect(sorted(made.values())).toEqual(sorted(after));
      }),
    ));
});

const aList = fc.uniqueArray(fc.record({ id: fc.nat(9), v: fc.nat(3) }), {
  selector: ({ id }) => id,
});

function apply(items: Map<number, { id: number; v: number }>, change: Change): void {
  const id = Number(change.item?.['id']);
  const item = items.get(id);
  if (change.kind === 'added') items.set(id, change.after as never);
  else if (change.kind === 'removed') items.delete(id);
  else if (item) item.v = Number(change.after);
}
