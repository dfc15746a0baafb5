import { ownName } from './telling';

it.each([
  ['shop.1f', 'shop.1f'],
  ['shop.eu.1', 'shop.eu-1'],
  ['web1.internal', 'shop.web1-internal'],
  ['shop', 'shop.shop'],
  ['10.0.0.7:80', 'shop.10-0-0-7:80'],
])('the instance %s of the shop tells of its calls as %s', (instanceId, holder) =>
  expect(ownName('shop', instanceId)).toBe(holder),
);

it('is no longer than the suite takes, with what is put behind it', () =>
  expect(ownName('s'.repeat(63), 'x'.repeat(128))).toHaveLength(100));
