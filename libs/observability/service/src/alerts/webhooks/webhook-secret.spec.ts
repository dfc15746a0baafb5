import { readFile } from 'node:fs/promises';
import { webhookSecret } from './webhook-secret';

jest.mock('node:fs/promises', () => ({ readFile: jest.fn() }));

describe('the key of webhooks', () => {
  beforeEach(() => jest.mocked(readFile).mockResolvedValue('as mounted\n'));

  it('is a setting or a file that is meant for alerts', async () => {
    const environment = { ALERTS_SECRET_PAGER: 'as set' };
    expect(await webhookSecret('env:ALERTS_SECRET_PAGER', environment)).toBe('as set');
    expect(await webhookSecret('file:/run/secrets/alerts', {})).toBe('as mounted');
    expect(await webhookSecret('file:/run/secrets/alerts_pager.key', {})).toBe('as mounted');
  });

  it.each(['env:DATABASE_URL', 'file:/run/secrets/database', 'file:/run/secrets/alerts/../x'])(
    'is never %s',
    async (ref) =>
      expect(await webhookSecret(ref, { DATABASE_URL: 'postgres://' })).toBeUndefined(),
  );
});
