import { instantOf, Rejection } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { declaredDependencies, type SaidDependencies } from './dependency';
import {
  dependencyGraph,
  type DeclareDependencies,
  type DependenciesDeclared,
} from './dependency-graph';

const { given } = specification(dependencyGraph);
const optional = (service_name: string) => ({ service_name, required: false });
const declare = (service_name: string, ...dependencies: SaidDependencies): DeclareDependencies => ({
  type: 'DeclareDependencies',
  data: { service_name, dependencies },
  at: instantOf(0),
});
const declared = (
  service_name: string,
  ...dependencies: SaidDependencies
): DependenciesDeclared => ({
  type: 'DependenciesDeclared',
  data: { service_name, dependencies: declaredDependencies(dependencies) },
});

describe('dependencies', () => {
  it('are recorded with nothing left out', () =>
    given()
      .when(declare('orders', 'ledger'))
      .then({
        type: 'DependenciesDeclared',
        data: {
          service_name: 'orders',
          dependencies: [
            {
              service_name: 'ledger',
              required: true,
              dependency_type: 'synchronous',
              is_critical: false,
              circuit_breaker_enabled: true,
              timeout_ms: 5_000,
              monitoring_enabled: true,
            },
          ],
        },
      }));

  it('said again in another way and order are the same', () =>
    given(declared('orders', 'ledger', 'mailer'))
      .when(declare('orders', { service_name: 'mailer', timeout_ms: 5_000 }, 'ledger'))
      .thenNothing());

  it('that were none and are none are not worth an event', () =>
    given().when(declare('orders')).thenNothing());

  it('can go again, and then close no circle any more', () => {
    given(declared('orders', 'ledger')).when(declare('orders')).then(declared('orders'));
    given(declared('orders', 'ledger'), declared('orders'))
      .when(declare('ledger', 'orders'))
      .then(declared('ledger', 'orders'));
  });

  it('may name a service that nobody knows yet', () =>
    given().when(declare('orders', 'to-come')).then(declared('orders', 'to-come')));

  it('cannot close a circle, and the whole of it is named', () => {
    const command = declare('ledger', 'mailer', 'orders');
    const past = [declared('orders', 'stock'), declared('stock', 'mailer', 'ledger')];
    given(...past)
      .when(command)
      .thenRejected('circular-dependency');
    const refusal = dependencyGraph.decide(
      command,
      past.reduce(dependencyGraph.evolve, dependencyGraph.initialState),
    );
    expect(refusal).toMatchObject({
      kind: 'conflict',
      message: 'orders closes a circle of required dependencies: ledger → orders → stock → ledger',
      errors: [{ field: 'dependencies.1' }],
    });
  });

  it.each([
    [optional('orders'), 'stock'],
    ['orders' as const, optional('stock')],
  ])('may close a circle when one of them is optional', (first, second) => {
    given(declared('orders', second)).when(declare('stock', first)).then(declared('stock', first));
  });

  it('that become required can close a circle', () =>
    given(declared('orders', optional('stock')), declared('stock', 'orders'))
      .when(declare('orders', 'stock'))
      .thenRejected('circular-dependency'));

  it.each(['orders', optional('orders')])('cannot be on oneself', (self) => {
    const refusal = dependencyGraph.decide(declare('orders', 'stock', self), new Map());
    expect(refusal).toBeInstanceOf(Rejection);
    expect(refusal).toMatchObject({
      code: 'depends-on-itself',
      kind: 'invalid',
      errors: [{ field: 'dependencies.1' }],
    });
  });
});
