import type { DataOf, registryContract } from '@downbeat/contracts';
import {
  streamName,
  type Command,
  type Decider,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

type Declared = DataOf<typeof registryContract.dependenciesDeclared>['dependencies'][number];

/** What health has to know of a dependency. */
export type Need = Pick<Declared, 'service_name' | 'required' | 'is_critical'>;

interface Needs {
  readonly service_name: string;
  readonly dependencies: readonly Need[];
}

export type ChangeNeeds = Command<'ChangeNeeds', Needs>;
export type NeedsChanged = Message<'NeedsChanged', Needs>;

export const needsStream = (serviceName: string): StreamName => streamName('needs', serviceName);

export const needOf = ({ service_name, required, is_critical }: Declared): Need => ({
  service_name,
  required,
  is_critical,
});

/** What one service needs of others, as the registry declared it last. */
export const serviceNeeds: Decider<readonly Need[], ChangeNeeds, NeedsChanged> = {
  initialState: [],
  decide: ({ data }, state) =>
    JSON.stringify(data.dependencies) === JSON.stringify(state)
      ? []
      : [{ type: 'NeedsChanged', data }],
  evolve: (_, { data }) => data.dependencies,
};
