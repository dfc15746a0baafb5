import type { registryContract } from '@downbeat/contracts';
import {
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { declaredDependencies, dependencyNames, type SaidDependencies } from './dependency';
import { cycleThrough, type Edges } from './paths';

type Declared = registryContract.DeclaredDependency;

export type DeclareDependencies = Command<
  'DeclareDependencies',
  { readonly service_name: string; readonly dependencies: SaidDependencies }
>;
/** All that the service needs from now on, nothing left out. */
export type DependenciesDeclared = Message<
  'DependenciesDeclared',
  { readonly service_name: string; readonly dependencies: readonly Declared[] }
>;

/** What each service needs, by its name. */
export type DependencyGraph = ReadonlyMap<string, readonly Declared[]>;

/** One stream for all: whether a dependency closes a circle depends on every other one. */
export const dependencyStream: StreamName = streamName('dependencies', 'all');

/** Who needs whom. Required dependencies never lead back to where they began. */
export const dependencyGraph: Decider<DependencyGraph, DeclareDependencies, DependenciesDeclared> =
  {
    initialState: new Map(),

    decide({ data }, graph) {
      const { service_name } = data;
      const dependencies = declaredDependencies(data.dependencies);
      if (isSame(graph.get(service_name) ?? [], dependencies)) return [];
      const after = new Map(graph).set(service_name, dependencies);
      const refusal = refusalOf(data, after);
      return refusal ?? [{ type: 'DependenciesDeclared', data: { service_name, dependencies } }];
    },

    evolve: (graph, { data }) => new Map(graph).set(data.service_name, data.dependencies),
  };

/** What must be there before a service can work. */
export const requiredEdges = (graph: DependencyGraph): Edges =>
  new Map(
    [...graph].map(([service, dependencies]) => [
      service,
      dependencies.filter(({ required }) => required).map(({ service_name }) => service_name),
    ]),
  );

export const allEdges = (graph: DependencyGraph): Edges =>
  new Map([...graph].map(([service, all]) => [service, all.map((one) => one.service_name)]));

const isSame = (a: readonly Declared[], b: readonly Declared[]): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

function refusalOf(
  { service_name, dependencies }: DeclareDependencies['data'],
  graph: DependencyGraph,
): Rejection | undefined {
  const names = dependencyNames(dependencies);
  const field = (name: string) => `dependencies.${names.indexOf(name)}`;
  if (names.includes(service_name))
    return new Rejection(
      'depends-on-itself',
      `${service_name} cannot depend on itself`,
      'invalid',
      [{ field: field(service_name), message: 'is the service itself' }],
    );
  const cycle = cycleThrough(service_name, requiredEdges(graph));
  if (!cycle) return undefined;
  const [, first = ''] = cycle;
  const message = `closes a circle of required dependencies: ${cycle.join(' → ')}`;
  return new Rejection('circular-dependency', `${first} ${message}`, 'conflict', [
    { field: field(first), message },
  ]);
}
