import { Endpoint } from '../endpoint';
import { Group } from '../group';
import { Member } from '../member';

export const endpoint = (id: string, more: Partial<Endpoint> = {}): Endpoint => ({
  id,
  weight: 1,
  priority: 0,
  zone: 'here',
  isHealthy: true,
  isDraining: false,
  ...more,
});

/** One endpoint for each weight: e0, e1, … */
export const weighted = (weights: readonly number[]): readonly Endpoint[] =>
  weights.map((weight, index) => endpoint(`e${index}`, { weight }));

export const groupOf = (endpoints: readonly Endpoint[]): Group<Endpoint> =>
  new Group(endpoints.map((one) => ({ member: new Member(one, -Infinity, 10_000), ramp: 1 })));
