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
import type { Behaviour } from '../engine/surroundings';

const WORKFLOWS_MAX = 1_000;
/** A version registered through another replica is known here after this time at the latest. */
const FRESH_MS = 2_000;

export interface KnownDefinition extends Behaviour {
  readonly checksum: string;
}

interface Shelf {
  /** Each is compiled when it is first asked for: one that no longer compiles concerns nobody else. */
  readonly versions: ReadonlyMap<string, () => KnownDefinition>;
  readonly latest: string | undefined;
  readonly readAt: number;
}

/** Compiled definitions in memory. A version never changes, so what is known once stays known. */
export class DefinitionLibrary {
  private readonly shelves = new LRUCache<string, Shelf>({ max: WORKFLOWS_MAX });
  /** Whoever asks while a shelf is being read waits for that reading. */
  private readonly reading = new Map<string, Promise<Shelf>>();

  constructor(private readonly store: EventStore) {}

  /**
   * @param version Absent: the latest.
   * @throws {RangeError} It was registered, and the rules of today refuse it.
   */
  async find(name: string, version?: string): Promise<KnownDefinition | Rejection> {
    const known = this.onShelf(name, version);
    if (known) return known();
    const { versions, latest } = await this.read(name);
    const wanted = version ?? latest;
    const found = wanted === undefined ? undefined : versions.get(wanted);
    return found?.() ?? unknownDefinition(name, version);
  }

  /** Another version may exist now. */
  forget(name: string): void {
    this.reading.delete(name);
    const shelf = this.shelves.get(name);
    if (shelf) this.shelves.set(name, { ...shelf, readAt: Number.NEGATIVE_INFINITY });
  }

  private onShelf(name: string, version: string | undefined): (() => KnownDefinition) | undefined {
    const shelf = this.shelves.get(name);
    if (!shelf) return undefined;
    if (version !== undefined) return shelf.versions.get(version);
    if (performance.now() - shelf.readAt > FRESH_MS || shelf.latest === undefined) return undefined;
    return shelf.versions.get(shelf.latest);
  }

  private read(name: string): Promise<Shelf> {
    const underWay = this.reading.get(name);
    if (underWay) return underWay;
    const isNewest = () => this.reading.get(name) === reading;
    const reading = this.readShelf(name, isNewest).finally(() => {
      if (isNewest()) this.reading.delete(name);
    });
    this.reading.set(name, reading);
    return reading;
  }

  private async readShelf(name: string, isNewest: () => boolean): Promise<Shelf> {
    const readAt = performance.now();
    const stream = workflowDefinitionStream(name);
    const past = await this.store.load<WorkflowDefinitionRegistered>(stream);
    const before = this.shelves.get(name)?.versions;
    const versions = new Map(
      past.map(({ data }) => [data.version, before?.get(data.version) ?? once(data)]),
    );
    const shelf = { versions, latest: latestVersion(versions.keys()), readAt };
    // Nothing is kept of names that nobody has registered, nor of what was forgotten meanwhile.
    if (past.length > 0 && isNewest()) this.shelves.set(name, shelf);
    return shelf;
  }
}

function once(data: WorkflowDefinitionRegistered['data']): () => KnownDefinition {
  let known: KnownDefinition | undefined;
  return () => (known ??= compiled(data));
}

function compiled({ definition, checksum }: WorkflowDefinitionRegistered['data']): KnownDefinition {
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
