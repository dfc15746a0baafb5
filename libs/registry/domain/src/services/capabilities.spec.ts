import { capabilitiesOf, has } from './capabilities';

const of = capabilitiesOf(['invoicing', { name: 'refunds', version: '0.3.0' }], '1.4.0');

it('a capability without a version has that of whoever has it', () =>
  expect(of).toEqual([
    { name: 'invoicing', version: '1.4.0' },
    { name: 'refunds', version: '0.3.0' },
  ]));

it.each([
  ['invoicing', undefined, true],
  ['invoicing', '^1.2.0', true],
  ['invoicing', '>=2', false],
  ['invoicing', '1.x || 3.x', true],
  ['refunds', '^0.3.0', true],
  ['refunds', '^0.2.0', false],
  ['baking', undefined, false],
])('%s in %s: %s', (name, range, isThere) => expect(has(of, { name, range })).toBe(isThere));

it('a pre-release is found only by those who ask for it', () => {
  const early = capabilitiesOf([{ name: 'invoicing', version: '2.0.0-beta.1' }], '1.0.0');
  expect(has(early, { name: 'invoicing', range: '^2.0.0' })).toBe(false);
  expect(has(early, { name: 'invoicing', range: '^2.0.0-beta' })).toBe(true);
  expect(has(early, { name: 'invoicing' })).toBe(true);
});
