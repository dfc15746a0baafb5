import { abandonedVersion, isOlder, type KnownVersions } from './service-versions';

const GRACE_MS = 30_000;
const known = (changed: Partial<KnownVersions> = {}): KnownVersions => ({
  described: '2.0.0',
  describedForMs: GRACE_MS,
  listed: ['1.4.0'],
  ...changed,
});

it.each([
  ['1.4.0', '2.0.0', true],
  ['2.0.0-rc.1', '2.0.0', true],
  ['2.0.0', '2.0.0', false],
  ['2.0.0', '1.4.0', false],
  ['99999999999999999999.0.0', '2.0.0', false],
])('%s is older than %s: %s', (one, other, is) => expect(isOlder(one, other)).toBe(is));

describe('the version that describes a service is given up', () => {
  it.each([[[]], [['1.4.0']], [['1.4.0', '1.3.0']]])('when only %j are listed', (listed) =>
    expect(abandonedVersion('1.4.0', known({ listed }), GRACE_MS)).toBe('2.0.0'),
  );

  it.each([['2.0.0'], ['1.4.1'], ['2.0.0-rc.1'], ['3.0.0']])(
    'not while an instance of %s is listed, which is newer than what is said',
    (version) =>
      expect(
        abandonedVersion('1.4.0', known({ listed: ['1.4.0', version] }), GRACE_MS),
      ).toBeUndefined(),
  );

  it('not before its first instance had the time to come', () =>
    expect(
      abandonedVersion('1.4.0', known({ describedForMs: GRACE_MS - 1 }), GRACE_MS),
    ).toBeUndefined());

  it('not for one that is not older', () =>
    expect(abandonedVersion('2.0.0', known(), GRACE_MS)).toBeUndefined());

  it('for the newest that is there, when nobody could ever have had it', () =>
    expect(
      abandonedVersion('2.0.0', known({ described: '20.0.0', listed: ['2.0.0'] }), GRACE_MS),
    ).toBe('20.0.0'));
});
