import {
  Rejection,
  streamName,
  type Decider,
  type Decision,
  type StreamName,
} from '@downbeat/eventsourcing';
import type {
  Activating,
  ConfigurationCommand,
  Creating,
  Judged,
  Reverting,
  RollingBack,
} from './commands';
import type { ConfigurationEvent } from './events';
import { gateOf, type HealthGate } from './health-gate';

export interface ActiveConfiguration {
  readonly activation: number;
  readonly config_version: string;
  readonly checksum: string;
  /** While it is being watched. */
  readonly gate?: HealthGate;
}

export interface ConfigurationHistory {
  /** Checksums of all versions, by name, the oldest first. */
  readonly versions: ReadonlyMap<string, string>;
  readonly newest?: string;
  /** How often something was put in force. */
  readonly activations: number;
  readonly active?: ActiveConfiguration;
  /** Versions that proved themselves, or were never doubted: the last one, and the one before it. */
  readonly proven: readonly string[];
}

export const VERSIONS_MAX = 10_000;

/** Service names hold no colon. */
export const configurationStream = (serviceId: string, environment: string): StreamName =>
  streamName('configuration', `${serviceId}:${environment}`);

/** The versions of one service's configuration in one environment, and which of them is in force. */
export const configurationHistory: Decider<
  ConfigurationHistory,
  ConfigurationCommand,
  ConfigurationEvent
> = {
  initialState: { versions: new Map(), activations: 0, proven: [] },

  decide(command, state) {
    switch (command.type) {
      case 'CreateConfiguration':
        return create(command.data, state);
      case 'ActivateConfiguration':
        return activate(command.data, command.data.config_version, false, state);
      case 'RollbackConfiguration':
        return rollBack(command.data, state);
      case 'ConfirmActivation': {
        const { config_version } = watched(command.data, state) ?? {};
        if (config_version === undefined) return [];
        return [{ type: 'ActivationConfirmed', data: { ...command.data, config_version } }];
      }
      case 'RevertActivation':
        return revert(command.data, state);
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ConfigurationCreated': {
        const { config_version, checksum } = event.data;
        const versions = new Map(state.versions).set(config_version, checksum);
        return { ...state, versions, newest: config_version };
      }
      case 'ConfigurationActivated': {
        const { activation, config_version, checksum, gate } = event.data;
        const active = { activation, config_version, checksum, ...(gate && { gate }) };
        const proven = gate ? state.proven : proved(config_version, state);
        return { ...state, activations: activation, active, proven };
      }
      case 'ActivationConfirmed': {
        if (!state.active) return state;
        const { gate: _, ...active } = state.active;
        return { ...state, active, proven: proved(active.config_version, state) };
      }
      case 'ActivationReverted': {
        const { next_activation, to_version, to_checksum } = event.data;
        const { active: _, ...rest } = state;
        if (to_version === undefined || to_checksum === undefined)
          return { ...rest, activations: next_activation };
        const active = {
          activation: next_activation,
          config_version: to_version,
          checksum: to_checksum,
        };
        return { ...rest, activations: next_activation, active };
      }
    }
  },
};

function create(data: Creating, state: ConfigurationHistory): Decision<ConfigurationEvent> {
  const { config_version = nextNumber(state) } = data;
  const known = state.versions.get(config_version);
  // Asking for what already holds is not a change.
  if (known === data.checksum) return [];
  if (known !== undefined)
    return refusedVersion(
      'configuration-version-exists',
      `there is another version ${config_version} of it, and versions do not change`,
    );
  if (state.versions.size >= VERSIONS_MAX)
    return refusedVersion(
      'too-many-configurations',
      `there are ${VERSIONS_MAX} versions of it, and no more can be kept`,
    );
  return [{ type: 'ConfigurationCreated', data: { ...data, config_version } }];
}

function nextNumber({ versions }: ConfigurationHistory): string {
  let number = versions.size + 1;
  while (versions.has(String(number))) number++;
  return String(number);
}

function activate(
  data: Activating,
  config_version: string,
  is_rollback: boolean,
  state: ConfigurationHistory,
): Decision<ConfigurationEvent> {
  const { service_id, environment, gate, reason, activated_by } = data;
  const checksum = state.versions.get(config_version);
  if (checksum === undefined) return unknownConfiguration(service_id, environment, config_version);
  // What is in force stays as it is, watched or not.
  if (state.active?.config_version === config_version) return [];
  return [
    {
      type: 'ConfigurationActivated',
      data: {
        ...{ service_id, environment, config_version, checksum, is_rollback, activated_by },
        activation: state.activations + 1,
        ...(state.active && { previous_version: state.active.config_version }),
        ...(gate && { gate: gateOf(gate) }),
        ...(reason !== undefined && { reason }),
      },
    },
  ];
}

function rollBack(data: RollingBack, state: ConfigurationHistory): Decision<ConfigurationEvent> {
  const version = data.config_version ?? provenBefore(state);
  if (version !== undefined) return activate(data, version, true, state);
  return new Rejection(
    'nothing-to-roll-back-to',
    `no version of the configuration of ${data.service_id} in ${data.environment} proved itself before`,
  );
}

function revert(data: Reverting, state: ConfigurationHistory): Decision<ConfigurationEvent> {
  const active = watched(data, state);
  if (!active) return [];
  const to = provenBefore(state);
  const checksum = to === undefined ? undefined : state.versions.get(to);
  return [
    {
      type: 'ActivationReverted',
      data: {
        ...data,
        config_version: active.config_version,
        next_activation: state.activations + 1,
        ...(to !== undefined &&
          checksum !== undefined && { to_version: to, to_checksum: checksum }),
      },
    },
  ];
}

/** The activation that a judgement is about, as long as it is in force and watched. */
const watched = (
  { activation }: Judged,
  { active }: ConfigurationHistory,
): ActiveConfiguration | undefined =>
  active?.gate && active.activation === activation ? active : undefined;

/** The last version that proved itself and is not in force. */
export const provenBefore = ({ proven, active }: ConfigurationHistory): string | undefined =>
  proven.find((version) => version !== active?.config_version);

const proved = (version: string, { proven }: ConfigurationHistory): readonly string[] =>
  [version, ...proven.filter((one) => one !== version)].slice(0, 2);

export const unknownConfiguration = (
  service: string,
  environment: string,
  version: string,
): Rejection =>
  new Rejection(
    'configuration-unknown',
    `there is no version ${version} of the configuration of ${service} in ${environment}`,
    'not-found',
    [{ field: 'config_version', message: 'does not exist' }],
  );

const refusedVersion = (code: string, message: string): Rejection =>
  new Rejection(code, message, 'conflict', [{ field: 'config_version', message }]);
