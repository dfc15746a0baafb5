import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import {
  serviceRegistration,
  type RegistrationCommand,
  type RegistrationEvent,
} from './service-registration';

const { given } = specification(serviceRegistration);

const at = instantOf(0);
const billing = {
  service_name: 'billing',
  service_version: '1.0.0',
  service_type: 'api',
  deployment_environment: 'production',
  dependencies: ['ledger'],
} as const;
const described = { ...billing, dependencies: [...billing.dependencies] };
const register = (changed: object = {}): RegistrationCommand => ({
  type: 'RegisterService',
  data: { ...described, ...changed },
  at,
});
const update = (changed: object): RegistrationCommand => ({
  type: 'UpdateService',
  data: { service_id: 'billing', ...changed },
  at,
});
const registered: RegistrationEvent = { type: 'ServiceRegistered', data: described };
const changed = (fields: object): RegistrationEvent => ({
  type: 'ServiceChanged',
  data: { service_id: 'billing', ...fields },
});

describe('a service', () => {
  it('is registered with all it says of itself', () => given().when(register()).then(registered));

  it('changes nothing by saying the same again', () =>
    given(registered).when(register()).thenNothing());

  it('records only the fields that changed', () =>
    given(registered)
      .when(register({ service_version: '1.1.0' }))
      .then(changed({ service_version: '1.1.0' })));

  it('compares with what it became, not with what it was at first', () =>
    given(registered, changed({ service_version: '1.1.0' }))
      .when(update({ service_version: '1.1.0' }))
      .thenNothing());

  it('cannot be updated before it exists', () =>
    given()
      .when(update({ owner_team: 'money' }))
      .thenRejected('service-unknown'));
});
