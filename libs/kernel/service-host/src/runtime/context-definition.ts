import type { CommandContract, ContextName, QueryContract } from '@downbeat/contracts';
import type { Message } from '@downbeat/eventsourcing';
import type { Projection } from '@downbeat/projections';
import type { Publications, Reactor } from '@downbeat/publishing';
import type { z } from 'zod';
import type { AnyCommandClass } from '../entrance/context-command';

/** What a context brings along besides its handlers. */
export interface ContextDefinition<Event extends Message = Message> {
  readonly context: ContextName;
  readonly projections: readonly Projection[];
  /** Absent: the context tells the others nothing. */
  readonly publications?: Publications<Event>;
  /** Commands taken from the bus. */
  readonly commands: readonly AnyCommandClass[];
  /** What must have a handler or an answer, or the process does not start. Absent: all contracts of the context. */
  readonly contracts?: ServedContracts;
  /** Settings of its own, beside its database; read them from `HostSettings.environment`. */
  readonly settings?: z.ZodObject;
}

/** What a context has promised. */
export interface ServedContracts {
  readonly commands: readonly CommandContract[];
  readonly queries: readonly QueryContract[];
}

/** What a module starts once its own parts are ready. */
export interface ContextStart {
  readonly reactors?: readonly Reactor[];
}
