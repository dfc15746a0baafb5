import type { EventStore } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import {
  compileDefinition,
  latestVersion,
  runDecider,
  workflowDefinitionStream,
  type WorkflowDefinitionRegistered,
} from '@downbeat/saga-domain';
import { LRUCache } from 'lru-cache';
import type { Behaviour } from '../engine/open-run';

const WORKFLOWS_MAX = 1_000;
/** A version registered through another replica is known here after this time at the latest. */
const FRESH_MS = 2_000;

export interface KnownDefinition extends Behaviour {
  readonly checksum: string;
}

interface Shelf {
  readonly versions: ReadonlyMap<string, KnownDefinition>;
  readonly readAt: number;
}

/** Compiled definitions in memory. A version never changes, so what is known once stays known. */
export class DefinitionLibrary {
  private readonly shelves = new LRUCache<string, Shelf>({ max: WORKFLOWS_MAX });

  constructor(private readonly store: EventStore) {}

  /** @param version Absent: the latest. */
  async find(name: string, version?: string): Promise<KnownDefinition | Rejection> {
    const known = this.onShelf(name, version);
    if (known) return known;
    const shelf = await this.read(name);
    const wanted = version ?? latestVersion(shelf.versions.keys());
    const found = wanted === undefined ? undefined : shelf.versions.get(wanted);
    return found ?? unknownDefinition(name, version);
  }

  /** Another version may exist now. */
  forget(name: string): void {
    this.shelves.delete(name);
  }

  private onShelf(name: string, version: string | undefined): KnownDefinition | undefined {
    const shelf = this.shelves.get(name);
    if (!shelf) return undefined;
    if (version !== undefined) return shelf.versions.get(version);
    if (performance.now() - shelf.readAt > FRESH_MS) return undefined;
    const latest = latestVersion(shelf.versions.keys());
    return latest === undefined ? undefined : shelf.versions.get(latest);
  }

  private async read(name: string): Promise<Shelf> {
    const stream = workflowDefinitionStream(name);
    const past = await this.store.load<WorkflowDefinitionRegistered>(stream);
    const before = this.shelves.get(name)?.versions;
    const versions = new Map(
      past.map(({ data }) => [data.version, before?.get(data.version) ?? known(data)]),
    );
    const shelf = { versions, readAt: performance.now() };
    this.shelves.set(name, shelf);
    return shelf;
  }
}

function known({
  definition,
  checksum,
}: WorkflowDefinitionRegistered['data']): KnownDefinition {
  const compiled = compileDefinition(definition);
  if (compiled instanceof Rejection)
    throw new RangeError(`${definition.name} ${definition.version}: ${compiled.message}`);
  return { definition: compiled, decider: runDecider(compiled), checksum };
}

function unknownDefinition(name: string, version: string | undefined): Rejection {
  const [field, what] =
    version === undefined ? ['workflow_name', name] : ['workflow_version', `${name} ${version}`];
  const message = `is not registered: ${what}`;
  return new Rejection('workflow-definition-unknown', `there is no workflow ${what}`, 'not-found', [
    { field, message },
  ]);
}
