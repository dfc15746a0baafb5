import { Suite } from './support/suite';

interface Problem {
  readonly code: string;
  readonly status: number;
  readonly errors?: readonly { readonly field: string }[];
}

const service = {
  service_name: 'billing',
  service_version: '1.0.0',
  service_type: 'api',
  deployment_environment: 'production',
  dependencies: [],
};
const call = (name: string, more = {}) => ({
  name,
  type: 'service_call',
  service_name: 'billing',
  endpoint: '/x',
  ...more,
});
const definition = (...steps: object[]) => ({ name: 'bad', steps });

describe('bad input over HTTP', () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await Suite.start({ demo: false });
  });
  afterAll(() => suite?.stop(), 60_000);

  it.each<[string, string, unknown, number, string]>([
    ['malformed JSON', '/services', '{"service_name": ', 400, ''],
    ['a wrong type', '/services', { ...service, dependencies: 'ledger' }, 400, 'dependencies'],
    ['an unknown field', '/services', { ...service, colour: 'red' }, 400, 'colour'],
    ['2 MB', '/services', { ...service, owner_team: 'x'.repeat(2_000_000) }, 413, ''],
    ['__proto__', '/services', '{"__proto__": {"isAdmin": true}}', 400, '__proto__'],
    [
      'SQL in a name',
      '/services',
      { ...service, service_name: "x'; drop table event" },
      400,
      'service_name',
    ],
    [
      'CRLF in a text',
      '/services',
      { ...service, owner_team: 'a\r\nSet-Cookie: b' },
      400,
      'owner_team',
    ],
    [
      'a definition with a loop',
      '/workflow-definitions',
      definition(call('a'), call('b', { next: 'a' })),
      400,
      'steps.1.next',
    ],
    [
      'a mapping that does not parse',
      '/workflow-definitions',
      definition(call('a', { input_mapping: { n: '=1 +' } })),
      400,
      'steps.0.input_mapping.n',
    ],
    [
      'an unreachable step',
      '/workflow-definitions',
      definition(call('a', { next: 'end' }), call('b')),
      400,
      'steps.1',
    ],
    [
      'an unknown workflow',
      '/workflows',
      { workflow_name: 'nope', initiating_service: 't', context_data: {} },
      404,
      'workflow_name',
    ],
  ])(
    '%s is a problem that names the field, and nothing is stored',
    async (_, path, body, status, field) => {
      const before = await head();
      const answer = await suite.request<Problem>('POST', path, body);

      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect((answer.body.errors ?? []).map((e) => e.field)).toContain(field);
      expect(JSON.stringify(answer.body)).not.toMatch(/\bat .*\.(ts|js):\d+|node_modules/);
      expect(await head()).toBe(before);
    },
  );

  it('keeps no dead letter of what the edge refused', async () => {
    const { total_count } = await suite.get<{ total_count: number }>('/messages/dead-letters');
    expect(total_count).toBe(0);
  });

  async function head(): Promise<number> {
    const { events } = await suite.get<{ events: { position: number }[] }>(
      '/events?order=desc&limit=1',
    );
    return events[0]?.position ?? 0;
  }
});
