import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { serviceNeeds, type Need } from './service-needs';

const { given } = specification(serviceNeeds);

const ledger: Need = { service_name: 'ledger', required: true, is_critical: true };
const change = (...dependencies: readonly Need[]) =>
  ({
    type: 'ChangeNeeds',
    data: { service_name: 'billing', dependencies },
    at: instantOf(0),
  }) as const;
const changed = (...dependencies: readonly Need[]) =>
  ({ type: 'NeedsChanged', data: { service_name: 'billing', dependencies } }) as const;

describe('what a service needs', () => {
  it('changes', () => given().when(change(ledger)).then(changed(ledger)));

  it('changes in what it means, too', () => {
    const optional = { ...ledger, required: false };
    given(changed(ledger)).when(change(optional)).then(changed(optional));
  });

  it('may come to nothing', () => given(changed(ledger)).when(change()).then(changed()));

  it('is not said twice', () => {
    given(changed(ledger)).when(change(ledger)).thenNothing();
    given().when(change()).thenNothing();
  });
});
