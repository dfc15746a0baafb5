import { contracts } from '@downbeat/contracts';
import { eventually } from '@downbeat/test-bench';
import { book, ended, eventsOf } from './support/bookings';
import { feedEveryView } from './support/every-view';
import { first } from './support/first';
import { Suite } from './support/suite';

/** It builds every read model of every context anew. */
const VERIFIED_WITHIN_MS = 120_000;

interface Difference {
  readonly from_position: number;
  readonly to_position: number;
  readonly is_equal: boolean;
  readonly changes: readonly {
    readonly kind: string;
    readonly path: string;
    readonly item?: Readonly<Record<string, unknown>>;
  }[];
}

const reads = Object.values(contracts)
  .flatMap(({ queries }) => queries)
  .filter(({ http }) => http?.method === 'GET')
  .map(({ name, http, presentOnly }) => ({ name, path: http?.path ?? '', presentOnly }));

describe('the past of the suite with the demo on it', () => {
  let suite: Suite;
  let workflowId = '';
  let middle = 0;
  let head = 0;
  beforeAll(async () => {
    suite = await Suite.start();
    await feedEveryView(suite);
    const bookings = await book(suite, 'past', 9);
    await ended(suite, bookings);
    workflowId = first(bookings).workflow_id;
    const events = await eventsOf(suite, `stream=workflow-${workflowId}`);
    middle = first(events, ({ type }) => type === 'DecisionTaken').position;
    head = Number(
      (await suite.request('GET', '/events?order=desc&limit=1')).headers.get('x-read-position'),
    );
  }, 400_000);
  afterAll(() => suite?.stop(), 60_000);

  /** Something there is for each field of a path. */
  const filled = (path: string): string =>
    path
      .replace('{service_id}', 'kitchen')
      .replace('{instance_id}', 'kitchen-1')
      .replace('{environment}', 'production')
      .replace('{workflow_id}', workflowId)
      .replace('{dead_letter_id}', '0af76519-16cd-43dd-8448-eb211c80319c')
      .replace(/\{\w+\}/g, '0af7651916cd43dd8448eb211c80319c');
  const NEEDED: Readonly<Record<string, string>> = {
    'find-instances': 'service_name=kitchen',
    'preview-bulk-operation': 'action=retry&status=failed',
    'preview-migration': 'to_version=1.0.0',
    'preview-retention': 'action=archive',
  };

  it.each(reads.map((one) => [one.name, one] as const))(
    'answers %s at a moment, or says why it does not',
    async (name, { path, presentOnly }) => {
      const needed = NEEDED[name];
      const question = (at: number) =>
        suite.request('GET', `${filled(path)}?${needed ? `${needed}&` : ''}at=${at}`);
      const { status, headers, body } = await question(middle);
      if (presentOnly !== undefined) {
        const told = { field: 'at', message: `is not possible here: ${presentOnly}` };
        expect({ status, body }).toMatchObject({ status: 400, body: { errors: [told] } });
        return;
      }
      if (status === 200) {
        expect(Number(headers.get('x-read-position'))).toBeLessThanOrEqual(middle);
        // Asked again later, the same is answered.
        expect((await question(middle)).body).toEqual(body);
      } else if (status === 400) expect(JSON.stringify(body)).not.toContain('"at"');
      else expect(status).toBe(404);
      const ahead = await question(head + 1_000_000);
      if (status === 200)
        expect(ahead).toMatchObject({ status: 400, body: { errors: [{ field: 'at' }] } });
    },
  );

  it('shows what became different in between', async () => {
    const range = `at=${middle}..${head}`;
    const runs = await suite.get<Difference>(`/workflows?correlation_id=past-0&${range}`);
    expect(runs).toMatchObject({ to_position: head, is_equal: false });
    expect(runs.changes).toContainEqual(
      expect.objectContaining({
        kind: 'changed',
        path: '/workflows/0/current_status',
        item: { id: workflowId },
        before: 'running',
        after: 'completed',
      }),
    );
    const since = await suite.get<Difference>(`/services?at=${head}..`);
    expect(since).toMatchObject({ from_position: head, is_equal: true, changes: [] });
    const all = await suite.get<Difference>(`/services?at=0..${head}`);
    expect(all.changes.filter(({ kind }) => kind === 'added')).not.toEqual([]);
  });

  it('is in every read model of every context what a rebuild gives, past moments too', async () => {
    const verified = await eventually(
      () =>
        suite.request<{
          hash_chain: object;
          read_models: { name: string; is_equal: boolean; moments: object[] }[];
        }>('POST', '/audit/verify', { read_model: 'all' }, {}, VERIFIED_WITHIN_MS),
      ({ status }) => expect(status).toBe(200),
      VERIFIED_WITHIN_MS,
    );
    const { hash_chain, read_models } = verified.body;
    expect(hash_chain).toMatchObject({ is_intact: true });
    expect(read_models.filter(({ is_equal }) => !is_equal)).toEqual([]);
    await eventually(
      () => suite.get<{ contexts: { data?: { projections?: { name: string }[] } }[] }>('/status'),
      ({ contexts }) => {
        // A context that is slow to answer is left out.
        const running = contexts.flatMap(({ data }) => data?.projections ?? []);
        const names = running.map(({ name }) => name).toSorted();
        expect(read_models.map(({ name }) => name)).toEqual(names);
      },
    );
    expect(read_models.length).toBeGreaterThan(8);
    expect(read_models.flatMap(({ moments }) => moments).length).toBeGreaterThan(8);
  }, 400_000);
});
