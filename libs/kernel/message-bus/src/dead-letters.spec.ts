import { deadLetterId } from './dead-letters';

describe("a dead letter's id", () => {
  const id = deadLetterId('command-registry', '2026-01-01T00:00:00Z', 1, 'registry-commands');

  it('is a UUID, the same for the same message', () => {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(deadLetterId('command-registry', '2026-01-01T00:00:00Z', 1, 'registry-commands')).toBe(
      id,
    );
  });

  const places: readonly Parameters<typeof deadLetterId>[] = [
    ['retry', '2026-01-01T00:00:00Z', 1, 'registry-commands'],
    ['command-registry', '2026-01-02T00:00:00Z', 1, 'registry-commands'],
    ['command-registry', '2026-01-01T00:00:00Z', 2, 'registry-commands'],
    ['command-registry', '2026-01-01T00:00:00Z', 1, 'other'],
  ];

  it.each(places)('is another one for %s %s %d %s', (...place) =>
    expect(deadLetterId(...place)).not.toBe(id),
  );
});
