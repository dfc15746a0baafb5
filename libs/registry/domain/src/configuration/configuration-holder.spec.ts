import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { configurationHolder } from './configuration-holder';

const { given } = specification(configurationHolder);
const data = {
  service_id: 'billing',
  instance_id: 'billing-1',
  environment: 'production',
  checksum: 'sum-1',
  outcome: 'applied',
  incarnation: 1,
  activation: 1,
} as const;
const say = (more = {}) =>
  ({ type: 'AcknowledgeConfiguration', data: { ...data, ...more }, at: instantOf(0) }) as const;
const said = (more = {}) =>
  ({ type: 'ConfigurationAcknowledged', data: { ...data, ...more } }) as const;

describe('an instance', () => {
  it('says what it runs', () => given().when(say()).then(said()));

  it('says nothing new by saying it again', () => given(said()).when(say()).thenNothing());

  it.each([
    { checksum: 'sum-2' },
    { outcome: 'refused' },
    { reason: 'no pool' },
    { incarnation: 2 },
  ])('says something new with %j', (more) => given(said()).when(say(more)).then(said(more)));

  it('refuses again what is put in force again', () => {
    const refused = { outcome: 'refused', reason: 'no pool' };
    given(said(refused))
      .when(say({ ...refused, activation: 3 }))
      .then(said({ ...refused, activation: 3 }));
  });
});
