import { placesOf, segmentsOf, type Place } from './endpoint-pattern';

interface Node<Value> {
  readonly texts: Map<string, Node<Value>>;
  any: Node<Value> | undefined;
  /** Of patterns that end here, and of those whose rest begins here; by how much rest they need. */
  here: Value | undefined;
  readonly rest: [none: Value | undefined, some: Value | undefined];
}

const node = <Value>(): Node<Value> => ({
  texts: new Map(),
  any: undefined,
  here: undefined,
  rest: [undefined, undefined],
});

/**
 * Patterns, made ready once. Finds the most specific one: from the left, a text before `*`, and both
 * before a rest. Every node is visited at most once.
 */
export class PatternTree<Value> {
  private readonly root = node<Value>();
  private readonly byPattern = new Map<string, Value>();
  private hasOnlyAll = true;

  /** Whether it finds the same for every endpoint. */
  get isTrivial(): boolean {
    return this.hasOnlyAll;
  }

  /** @throws {RangeError} The pattern is none, or matches the very same as one before. */
  add(pattern: string, value: Value): void {
    const places = placesOf(pattern);
    this.place(places, pattern, value);
    this.byPattern.set(pattern, value);
  }

  /** What was added under this very pattern. */
  named(pattern: string): Value | undefined {
    return this.byPattern.get(pattern);
  }

  find(endpoint: string): Value | undefined {
    // With nothing but `*` the endpoint need not be looked at.
    if (this.hasOnlyAll) return this.root.rest[0];
    return search(this.root, segmentsOf(endpoint), 0);
  }

  private place(places: readonly Place[], pattern: string, value: Value): void {
    let at = this.root;
    for (const place of places) {
      if (place.kind !== 'rest') {
        this.hasOnlyAll = false;
        at = childOf(at, place);
        continue;
      }
      refuseTwice(at.rest[place.least], pattern);
      at.rest[place.least] = value;
      if (place.least === 1) this.hasOnlyAll = false;
      return;
    }
    refuseTwice(at.here, pattern);
    at.here = value;
  }
}

function childOf<Value>(parent: Node<Value>, place: Exclude<Place, { kind: 'rest' }>): Node<Value> {
  if (place.kind === 'any') return (parent.any ??= node());
  const known = parent.texts.get(place.text) ?? node<Value>();
  parent.texts.set(place.text, known);
  return known;
}

function search<Value>(
  { texts, any, here, rest }: Node<Value>,
  segments: readonly string[],
  at: number,
): Value | undefined {
  const segment = segments[at];
  if (segment === undefined) return here ?? rest[0];
  const next = texts.get(segment);
  return (
    (next && search(next, segments, at + 1)) ??
    (any && search(any, segments, at + 1)) ??
    rest[1] ??
    rest[0]
  );
}

function refuseTwice(known: unknown, pattern: string): void {
  if (known !== undefined) throw new RangeError(`two patterns match the same: ${pattern}`);
}
