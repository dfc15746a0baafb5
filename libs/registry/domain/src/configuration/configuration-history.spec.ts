import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import type { ConfigurationCommand } from './commands';
import { configurationHistory } from './configuration-history';
import type { ConfigurationEvent } from './events';

const { given } = specification(configurationHistory);

const at = instantOf(0);
const of = { service_id: 'billing', environment: 'production' };
const body = (pool: number) => ({
  configuration: { pool },
  effective: { pool },
  checksum: `sum-${pool}`,
  secrets_refs: [],
  is_encrypted: false,
  created_by: 'kim',
});
const create = (pool: number, config_version?: string): ConfigurationCommand => ({
  type: 'CreateConfiguration',
  data: { ...of, ...body(pool), ...(config_version !== undefined && { config_version }) },
  at,
});
const created = (pool: number, config_version = String(pool)): ConfigurationEvent => ({
  type: 'ConfigurationCreated',
  data: { ...of, ...body(pool), config_version },
});
const activate = (config_version: string, more = {}): ConfigurationCommand => ({
  type: 'ActivateConfiguration',
  data: { ...of, config_version, activated_by: 'kim', ...more },
  at,
});
const rollBack = (more = {}): ConfigurationCommand => ({
  type: 'RollbackConfiguration',
  data: { ...of, activated_by: 'kim', reason: 'slow', ...more },
  at,
});
const activated = (activation: number, version: number, more = {}): ConfigurationEvent => ({
  type: 'ConfigurationActivated',
  data: {
    ...of,
    activation,
    config_version: String(version),
    checksum: `sum-${version}`,
    is_rollback: false,
    activated_by: 'kim',
    ...more,
  },
});
const gate = {
  observe_seconds: 60,
  unhealthy_max_percent: 20,
  refused_max: 0,
  applied_min_percent: 0,
};
const evidence = {
  ...{ observed_ms: 1, instances: 2, unhealthy: 1, applied: 1, refused: 0 },
  refusals: [],
};
const confirm = (activation: number): ConfigurationCommand => ({
  type: 'ConfirmActivation',
  data: { ...of, activation, evidence },
  at,
});
const confirmed = (activation: number, version: number): ConfigurationEvent => ({
  type: 'ActivationConfirmed',
  data: { ...of, activation, config_version: String(version), evidence },
});
const revert = (activation: number): ConfigurationCommand => ({
  type: 'RevertActivation',
  data: { ...of, activation, because: 'half of it is ill', evidence },
  at,
});
const reverted = (activation: number, version: number, to?: number): ConfigurationEvent => ({
  type: 'ActivationReverted',
  data: {
    ...of,
    activation,
    config_version: String(version),
    because: 'half of it is ill',
    evidence,
    next_activation: activation + 1,
    ...(to !== undefined && { to_version: String(to), to_checksum: `sum-${to}` }),
  },
});
const three = [created(1), created(2), created(3)];

describe('a version of a configuration', () => {
  it('is named by its author, or counted', () => {
    given().when(create(1, '2026-11')).then(created(1, '2026-11'));
    given().when(create(1)).then(created(1));
    given(created(1), created(2)).when(create(3)).then(created(3));
  });

  it('is counted past the names that are taken', () =>
    given(created(7, '2')).when(create(3)).then(created(3, '3')));

  it('is the same version when it is created again', () =>
    given(created(1)).when(create(1, '1')).thenNothing());

  it('never changes', () =>
    given(created(1)).when(create(2, '1')).thenRejected('configuration-version-exists'));
});

describe('an activation', () => {
  it('says what it takes the place of', () => {
    given(...three)
      .when(activate('1'))
      .then(activated(1, 1));
    given(...three, activated(1, 1))
      .when(activate('2', { reason: 'faster' }))
      .then(activated(2, 2, { previous_version: '1', reason: 'faster' }));
  });

  it('needs a version that there is', () =>
    given(created(1)).when(activate('9')).thenRejected('configuration-unknown'));

  it('of what is in force changes nothing', () =>
    given(...three, activated(1, 1))
      .when(activate('1', { gate }))
      .thenNothing());

  it('keeps its gate with nothing left out', () =>
    given(...three)
      .when(activate('1', { gate: { observe_seconds: 60, unhealthy_max_percent: 20 } }))
      .then(activated(1, 1, { gate })));
});

describe('a gate', () => {
  const watching = [...three, activated(1, 1), activated(2, 2, { gate })];

  it('that held is over', () => {
    given(...watching)
      .when(confirm(2))
      .then(confirmed(2, 2));
    given(...watching, confirmed(2, 2))
      .when(confirm(2))
      .thenNothing();
    given(...watching, confirmed(2, 2))
      .when(revert(2))
      .thenNothing();
  });

  it('that does not hold brings back what proved itself last', () =>
    given(...watching)
      .when(revert(2))
      .then(reverted(2, 2, 1)));

  it('is judged once', () => {
    given(...watching, reverted(2, 2, 1))
      .when(revert(2))
      .thenNothing();
    given(...watching, reverted(2, 2, 1))
      .when(confirm(2))
      .thenNothing();
  });

  it('of a first activation leaves nothing in force', () =>
    given(...three, activated(1, 1, { gate }))
      .when(revert(1))
      .then(reverted(1, 1)));

  it('that another activation has ended is judged no more', () => {
    given(...watching, activated(3, 3))
      .when(revert(2))
      .thenNothing();
    given(...watching, activated(3, 3, { gate }))
      .when(revert(2))
      .thenNothing();
    given(...watching, activated(3, 3, { gate }))
      .when(confirm(2))
      .thenNothing();
  });

  it('does not bring back what never proved itself', () =>
    given(...watching, activated(3, 3, { gate }))
      .when(revert(3))
      .then(reverted(3, 3, 1)));

  it('that there is none of is never judged', () =>
    given(...three, activated(1, 1))
      .when(revert(1))
      .thenNothing());
});

describe('a rollback', () => {
  it('without a version goes to the one that proved itself before', () => {
    given(...three, activated(1, 1), activated(2, 2))
      .when(rollBack())
      .then(activated(3, 1, { previous_version: '2', is_rollback: true, reason: 'slow' }));
    given(...three, activated(1, 1), activated(2, 2), activated(3, 3, { gate }))
      .when(rollBack())
      .then(activated(4, 2, { previous_version: '3', is_rollback: true, reason: 'slow' }));
  });

  it('goes to any version that there is', () => {
    given(...three, activated(1, 3))
      .when(rollBack({ config_version: '1' }))
      .then(activated(2, 1, { previous_version: '3', is_rollback: true, reason: 'slow' }));
    given(...three)
      .when(rollBack({ config_version: '9' }))
      .thenRejected('configuration-unknown');
  });

  it('needs something to go to', () =>
    given(...three, activated(1, 1))
      .when(rollBack())
      .thenRejected('nothing-to-roll-back-to'));
});
