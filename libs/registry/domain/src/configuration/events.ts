import type { JsonObject, Message } from '@downbeat/eventsourcing';
import type { GateEvidence, HealthGate } from './health-gate';

/** `base` is an environment here: one that nothing runs in. */
type Of = { readonly service_id: string; readonly environment: string };

export type ConfigurationCreated = Message<
  'ConfigurationCreated',
  Of & {
    readonly config_version: string;
    /** As it was said: the base, or a merge patch upon it. */
    readonly configuration: JsonObject;
    /** What holds: of an environment, its base with the patch. */
    readonly effective: JsonObject;
    readonly base_version?: string | undefined;
    /** SHA-256 of `effective` as canonical JSON. */
    readonly checksum: string;
    readonly secrets_refs: readonly string[];
    /** Whether values are kept in it as ciphertext. */
    readonly is_encrypted: boolean;
    readonly description?: string | undefined;
    readonly created_by: string;
  }
>;

export type ConfigurationActivated = Message<
  'ConfigurationActivated',
  Of & {
    /** Counts what was put in force, what was taken back included. */
    readonly activation: number;
    readonly config_version: string;
    readonly checksum: string;
    /** What was in force until now. */
    readonly previous_version?: string | undefined;
    readonly is_rollback: boolean;
    readonly gate?: HealthGate | undefined;
    readonly reason?: string | undefined;
    readonly activated_by: string;
  }
>;

/** Its gate held for as long as it was to be watched. */
export type ActivationConfirmed = Message<
  'ActivationConfirmed',
  Of & {
    readonly activation: number;
    readonly config_version: string;
    readonly evidence: GateEvidence;
  }
>;

/** Its gate did not hold: what proved itself last is in force again. */
export type ActivationReverted = Message<
  'ActivationReverted',
  Of & {
    readonly activation: number;
    readonly config_version: string;
    readonly because: string;
    readonly evidence: GateEvidence;
    /** That of what is in force now; a number of its own too when nothing is. */
    readonly next_activation: number;
    /** Absent: there was nothing before it, and nothing is in force. */
    readonly to_version?: string | undefined;
    readonly to_checksum?: string | undefined;
  }
>;

export type ConfigurationEvent =
  ConfigurationCreated | ConfigurationActivated | ActivationConfirmed | ActivationReverted;
