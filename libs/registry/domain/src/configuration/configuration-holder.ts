import {
  streamName,
  type Command,
  type Decider,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

type Acknowledged = {
  readonly service_id: string;
  readonly instance_id: string;
  readonly environment: string;
  readonly checksum: string;
  readonly outcome: 'applied' | 'refused' | 'released';
  readonly reason?: string | undefined;
  /** How often the instance had been registered: one that starts again has nothing until it says so. */
  readonly incarnation: number;
  /** That with which it was in force then; absent: it was not, or not any more. */
  readonly activation?: number | undefined;
};

export type AcknowledgeConfiguration = Command<'AcknowledgeConfiguration', Acknowledged>;
export type ConfigurationAcknowledged = Message<'ConfigurationAcknowledged', Acknowledged>;

/** What an instance said last; nothing at first. */
export type ConfigurationHolder = { readonly said?: Acknowledged };

/** A kind of its own: an instance may have any name. */
export const holderStream = (instanceId: string): StreamName =>
  streamName('applied-configuration', instanceId);

/** What one instance says of the configurations it was given. Each has its own stream: many speak at once. */
export const configurationHolder: Decider<
  ConfigurationHolder,
  AcknowledgeConfiguration,
  ConfigurationAcknowledged
> = {
  initialState: {},

  decide: ({ data }, { said }) =>
    said && isSame(said, data) ? [] : [{ type: 'ConfigurationAcknowledged', data }],

  evolve: (_, { data }) => ({ said: data }),
};

/** A refusal counts once per activation: what is tried again may be refused again. */
const isSame = (one: Acknowledged, other: Acknowledged): boolean =>
  one.service_id === other.service_id &&
  one.environment === other.environment &&
  one.checksum === other.checksum &&
  one.outcome === other.outcome &&
  one.reason === other.reason &&
  one.incarnation === other.incarnation &&
  one.activation === other.activation;
