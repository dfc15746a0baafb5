import { components } from './circles';
import { compare, type Dependency, type ServiceGraph } from './service-graph';

export interface Place {
  readonly x: number;
  readonly y: number;
}

const LAYER_WIDTH = 240;
const ROW_HEIGHT = 120;
const SWEEPS = 4;

/**
 * Where each service is drawn: in layers from left to right, callers before those that they call, and
 * within a layer near to whom they are connected. The same graph always gives the same picture.
 */
export function layout(graph: ServiceGraph): ReadonlyMap<string, Place> {
  const layers = layersOf(graph);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForward = sweep % 2 === 0;
    for (const at of isForward ? layers.keys() : [...layers.keys()].reverse())
      arrange(layers, at, isForward ? graph.sourcesOf : graph.targetsOf, isForward);
  }
  const tallest = Math.max(0, ...layers.map(({ length }) => length));
  const places = new Map<string, Place>();
  for (const [at, layer] of layers.entries())
    for (const [row, name] of layer.entries()) {
      // Shorter layers stand in the middle.
      const y = Math.round((row + (tallest - layer.length) / 2) * ROW_HEIGHT);
      places.set(name, { x: at * LAYER_WIDTH, y });
    }
  return places;
}

/** Each service one layer after the last of those that call it; a circle is one layer. */
function layersOf(graph: ServiceGraph): string[][] {
  const layerOf = new Map<string, number>();
  const layers: string[][] = [];
  for (const members of components(graph)) {
    const inside = new Set(members);
    let layer = 0;
    for (const name of members)
      for (const { source } of graph.sourcesOf.get(name) ?? [])
        if (!inside.has(source)) layer = Math.max(layer, (layerOf.get(source) ?? 0) + 1);
    for (const name of members) {
      layerOf.set(name, layer);
      (layers[layer] ??= []).push(name);
    }
  }
  return Array.from(layers, (layer = []) => layer.sort(compare));
}

function arrange(
  layers: string[][],
  at: number,
  neighboursOf: ReadonlyMap<string, readonly Dependency[]>,
  isForward: boolean,
): void {
  const rowOf = new Map(layers.flatMap((layer) => layer.map((name, row) => [name, row] as const)));
  const middleOf = (name: string): number => {
    const rows = (neighboursOf.get(name) ?? []).map(
      ({ source, target }) => rowOf.get(isForward ? source : target) ?? 0,
    );
    return rows.length === 0
      ? (rowOf.get(name) ?? 0)
      : rows.reduce((sum, row) => sum + row, 0) / rows.length;
  };
  const middles = new Map((layers[at] ?? []).map((name) => [name, middleOf(name)]));
  layers[at]?.sort(
    (one, other) => (middles.get(one) ?? 0) - (middles.get(other) ?? 0) || compare(one, other),
  );
}
