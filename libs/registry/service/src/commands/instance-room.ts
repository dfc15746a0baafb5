import { EventStoreUnavailable } from '@downbeat/event-store';
import { Rejection, type Decider } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import {
  instanceRegistration,
  type Instance,
  type InstanceCommand,
  type InstanceEvent,
  type InstanceName,
} from '@downbeat/registry-domain';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { LiveDirectory } from '../directory/live-directory';

/** What callers know of a service travels in one message. */
const INSTANCES_MAX = 3_000;
/** Longer than an append may take; an append of unknown outcome holds its room for so long. */
const HELD_MS_MAX = 30_000;

/** Registers as the decider does, where there is room. */
export type Admitting = Decider<Instance, InstanceCommand, InstanceEvent>;

/** Room that one command holds for an instance that the directory has not read yet. */
interface Held {
  readonly by: symbol;
  readonly until: number;
}

/**
 * How many instances a service may have: those that the directory lists, and those that commands of
 * this process have decided to register and the directory has not read yet. Other replicas' are
 * counted when they are read, so that the bound may be passed by what those decide in one moment.
 */
@Injectable()
export class InstanceRoom {
  /** By service and instance, oldest first: no more than {@link INSTANCES_MAX} each. */
  private readonly held = new Map<string, Map<string, Held>>();

  constructor(
    private readonly directory: LiveDirectory,
    private readonly clock: Clock,
  ) {
    directory.onRead((events) => {
      for (const { type, data } of events) if (type === 'InstanceRegistered') this.giveBack(data);
    });
  }

  /** Gives back what `work` took when it turns out that nothing was registered. */
  async during(work: (admitting: Admitting) => Promise<CommandOutcome>): Promise<CommandOutcome> {
    const by = Symbol('command');
    const taken: InstanceName[] = [];
    const giveBack = () => taken.forEach((name) => this.giveBack(name, by));
    try {
      const outcome = await work(this.admitting(by, taken));
      if (!outcome.accepted) giveBack();
      return outcome;
    } catch (fault) {
      // Whether these were appended is unknown; if so, the directory will read them.
      if (!(fault instanceof EventStoreUnavailable)) giveBack();
      throw fault;
    }
  }

  private admitting(by: symbol, taken: InstanceName[]): Admitting {
    return {
      ...instanceRegistration,
      decide: (command, state) => {
        const decision = instanceRegistration.decide(command, state);
        const isNew = state.status === 'absent' || state.status === 'terminating';
        if (decision instanceof Rejection || decision.length === 0 || !isNew) return decision;
        if (!this.take(command.data, by)) return tooMany(command.data.service_id);
        taken.push(command.data);
        return decision;
      },
    };
  }

  private take({ service_id, instance_id }: InstanceName, by: symbol): boolean {
    if (this.directory.isPresent({ service_id, instance_id })) return true;
    const now = this.clock.now();
    const held = this.held.get(service_id) ?? new Map<string, Held>();
    for (const [id, { until }] of held) {
      if (until > now) break;
      held.delete(id);
    }
    // Again by another attempt or another command for the same instance.
    held.delete(instance_id);
    if (this.directory.presentInstances(service_id) + held.size >= INSTANCES_MAX) return false;
    held.set(instance_id, { by, until: now + HELD_MS_MAX });
    this.held.set(service_id, held);
    return true;
  }

  /** @param by Only what that command holds; absent: whoever does. */
  private giveBack({ service_id, instance_id }: InstanceName, by?: symbol): void {
    const held = this.held.get(service_id);
    if (!held || (by && held.get(instance_id)?.by !== by)) return;
    held.delete(instance_id);
    if (held.size === 0) this.held.delete(service_id);
  }
}

const tooMany = (service: string): Rejection =>
  new Rejection(
    'too-many-instances',
    `${service} has ${INSTANCES_MAX} instances, more are not kept`,
    'conflict',
    [{ field: 'service_id', message: `has ${INSTANCES_MAX} instances` }],
  );
