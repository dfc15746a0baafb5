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
const setTo = (service_version: string): RegistrationEvent =>
  changed({ service_version, is_version_set: true });

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

  it.each(['1.0.9', '1.1.0-rc.1', '0.9.0'])(
    'does not turn back when an instance of an older version says what it was: %s',
    (service_version) =>
      given(registered, changed({ service_version: '1.1.0' }))
        .when(register({ service_version, dependencies: [], capabilities: ['tax'] }))
        .thenNothing(),
  );

  describe('of a version that nobody runs any more', () => {
    const newer = { service_version: '2.0.0', health_check_endpoint: '/v2/health' };
    const wasNewer = [registered, changed({ ...newer, capabilities: ['tax'] })];
    const rolledBack = (from: string): RegistrationEvent => ({
      type: 'ServiceRegistered',
      data: { ...described, rolled_back_from: from },
    });
    const registerAfter = (abandoned_version: string) => register({ abandoned_version });

    it('is what an older one says, and nothing of what the newer said', () => {
      given(...wasNewer)
        .when(registerAfter('2.0.0'))
        .then(rolledBack('2.0.0'));
      given(...wasNewer, rolledBack('2.0.0'))
        .when(register())
        .thenNothing();
    });

    it('stays when a newer one has said what it is since that was found', () =>
      given(...wasNewer, changed({ service_version: '2.1.0' }))
        .when(registerAfter('2.0.0'))
        .thenNothing());

    it('is turned back once, when two find it at once', () =>
      given(...wasNewer, rolledBack('2.0.0'))
        .when(registerAfter('2.0.0'))
        .thenNothing());

    it('says nothing of it in what is registered otherwise', () => {
      given().when(registerAfter('2.0.0')).then(registered);
      given(...wasNewer, rolledBack('2.0.0'))
        .when(register({ service_version: '1.4.1', abandoned_version: '2.0.0' }))
        .then(changed({ service_version: '1.4.1' }));
    });
  });

  it('goes back to an older version when somebody says so', () =>
    given(registered)
      .when(update({ service_version: '0.9.0' }))
      .then(setTo('0.9.0')));

  describe('of a version that somebody has set', () => {
    const registerAfter = (abandoned_version: string) => register({ abandoned_version });

    it('is not given up for who is older, whoever runs it', () =>
      given(registered, setTo('1.0.1')).when(registerAfter('1.0.1')).thenNothing());

    it('is what a newer one says, and given up after it as any other', () => {
      given(registered, setTo('0.9.0'))
        .when(register())
        .then(changed({ service_version: '1.0.0' }));
      given(registered, setTo('0.9.0'), changed({ service_version: '2.0.0' }))
        .when(registerAfter('2.0.0'))
        .then({ type: 'ServiceRegistered', data: { ...described, rolled_back_from: '2.0.0' } });
    });

    it('stays set when anything else is said of it', () =>
      given(registered, setTo('1.0.1'), changed({ owner_team: 'money' }))
        .when(registerAfter('1.0.1'))
        .thenNothing());

    it('is not set any more when it is registered after its end', () => {
      const retired = { type: 'ServiceRetired', data: { service_id: 'billing' } } as const;
      const again = { ...registered, data: { ...described, service_version: '1.0.1' } };
      given(registered, setTo('1.0.1'), retired, again as RegistrationEvent)
        .when(registerAfter('1.0.1'))
        .then({ type: 'ServiceRegistered', data: { ...described, rolled_back_from: '1.0.1' } });
    });
  });

  it('takes what it says as news where versions cannot be told apart by age', () =>
    given(registered)
      .when(register({ service_version: '99999999999999999999.0.0' }))
      .then(changed({ service_version: '99999999999999999999.0.0' })));

  it('cannot be updated before it exists', () =>
    given()
      .when(update({ owner_team: 'money' }))
      .thenRejected('service-unknown'));

  it('takes back what need not be said, and says it again', () => {
    const withUrl = { ...registered, data: { ...described, base_url: 'http://billing' } };
    given(withUrl as RegistrationEvent)
      .when(update({ base_url: null }))
      .then(changed({ base_url: null }));
    given(withUrl as RegistrationEvent, changed({ base_url: null }))
      .when(update({ base_url: null }))
      .thenNothing();
    given(withUrl as RegistrationEvent, changed({ base_url: null }))
      .when(update({ base_url: 'http://billing' }))
      .then(changed({ base_url: 'http://billing' }));
  });

  describe('that is no more', () => {
    const retire = {
      type: 'RetireService',
      data: { service_id: 'billing', reason: 'replaced' },
      at,
    } as const;
    const retired: RegistrationEvent = { type: 'ServiceRetired', data: retire.data };

    it('is retired once', () => {
      given(registered).when(retire).then(retired);
      given(registered, retired).when(retire).thenNothing();
      given().when(retire).thenRejected('service-unknown');
    });

    it('cannot be changed', () =>
      given(registered, retired)
        .when(update({ owner_team: 'money' }))
        .thenRejected('service-retired'));

    it('is back with all it says when it is registered again, and nothing of before', () => {
      given(registered, changed({ owner_team: 'money' }), retired)
        .when(register())
        .then(registered);
      given(registered, changed({ owner_team: 'money' }), retired, registered)
        .when(register())
        .thenNothing();
    });
  });
});
