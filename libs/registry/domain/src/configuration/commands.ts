import type { registryContract } from '@downbeat/contracts';
import type { Command } from '@downbeat/eventsourcing';
import type { ConfigurationCreated } from './events';
import type { GateEvidence } from './health-gate';

type Of = { readonly service_id: string; readonly environment: string };

export type Creating = Omit<ConfigurationCreated['data'], 'config_version'> & {
  /** Absent: the next number. */
  readonly config_version?: string | undefined;
};
export type Activating = Of & {
  readonly gate?: registryContract.SaidHealthGate | undefined;
  readonly reason?: string | undefined;
  readonly activated_by: string;
};
export type RollingBack = Activating & {
  /** Absent: the one that proved itself before. */
  readonly config_version?: string | undefined;
};
export type Judged = Of & { readonly activation: number; readonly evidence: GateEvidence };
export type Reverting = Judged & { readonly because: string };

export type ConfigurationCommand =
  | Command<'CreateConfiguration', Creating>
  | Command<'ActivateConfiguration', Activating & { readonly config_version: string }>
  | Command<'RollbackConfiguration', RollingBack>
  /** Sent by the registry itself when a gate has held for its time. */
  | Command<'ConfirmActivation', Judged>
  /** Sent by the registry itself when a gate does not hold. */
  | Command<'RevertActivation', Reverting>;
