import type { Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { call, definitionOf } from '../testing';
import { canonicalJson } from './canonical-json';
import { compareVersions, latestVersion } from './versions';
import {
  workflowDefinitions,
  type RegisterWorkflowDefinition,
  type WorkflowDefinitionRegistered,
} from './workflow-definitions';

const { given } = specification(workflowDefinitions);

const at = '2026-03-01T09:30:00.000Z' as Instant;
const register = (checksum: string, version = '1.0.0'): RegisterWorkflowDefinition => ({
  type: 'RegisterWorkflowDefinition',
  data: definitionOf([call('a')], { version }),
  at,
  checksum,
});
const registered = (checksum: string, version = '1.0.0'): WorkflowDefinitionRegistered => ({
  type: 'WorkflowDefinitionRegistered',
  data: {
    name: 'book',
    version,
    checksum,
    definition: definitionOf([call('a')], { version }),
    at,
  },
});

describe('the definitions of a workflow', () => {
  it('take a new version', () =>
    given(registered('x')).when(register('y', '1.1.0')).then(registered('y', '1.1.0')));

  it('take the same version twice when it says the same', () =>
    given(registered('x')).when(register('x')).thenNothing());

  it('never change a version', () =>
    given(registered('x')).when(register('y')).thenRejected('definition-version-exists'));

  it('refuse what is not sound', () =>
    given()
      .when({ ...register('x'), data: definitionOf([call('a', { next: 'nowhere' })]) })
      .thenRejected('invalid-definition'));
});

describe('versions', () => {
  it('follow the rules of semantic versioning', () => {
    const sorted = [
      '0.9.9',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-2',
      '1.0.0',
      '1.2.0',
      '1.10.0',
      '2.0.0',
    ];
    const order = [...sorted].reverse().sort(compareVersions);
    expect(order).toEqual([
      '0.9.9',
      '1.0.0-2',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0',
      '1.2.0',
      '1.10.0',
      '2.0.0',
    ]);
  });

  it('are latest by number, and a release before any pre-release', () => {
    expect(latestVersion(['1.9.0', '1.10.0', '2.0.0-beta', '1.2.0'])).toBe('1.10.0');
    expect(latestVersion(['1.0.0-b', '1.0.0-a'])).toBe('1.0.0-b');
    expect(latestVersion([])).toBeUndefined();
  });
});

describe('canonical JSON', () => {
  it('does not depend on the order of keys, nor on what is undefined', () =>
    expect(canonicalJson({ b: [1, { d: null, c: 'é' }], a: undefined, A: 1.5 })).toBe(
      '{"A":1.5,"b":[1,{"c":"é","d":null}]}',
    ));
});
