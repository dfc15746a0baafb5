import { eventually, HttpListener } from '@downbeat/test-bench';
import { first } from './support/first';
import { SpanForwarder, tracedTo } from './support/span-forwarder';
import { Suite } from './support/suite';

jest.setTimeout(240_000);

interface Span {
  readonly operation_name: string;
  readonly span_kind: string;
  readonly depth: number;
  readonly tags: Readonly<Record<string, string>>;
}
interface Opened {
  readonly spans: readonly Span[];
  readonly next_cursor?: string;
}

describe('the suite, whose traces go to itself', () => {
  const forwarder = new SpanForwarder();
  let suite: Suite;
  let venue: HttpListener;
  beforeAll(async () => {
    const endpoint = await forwarder.start();
    venue = await HttpListener.start((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"r-1"}');
    });
    suite = await Suite.start({
      demo: false,
      settings: tracedTo(endpoint),
    });
    forwarder.target = suite.app('health').url;
  });
  afterAll(async () => {
    await suite?.stop();
    await venue?.stop();
    forwarder.stop();
  });

  /** As often as a busy suite asks for it. */
  const post = async <Body>(path: string, body: object): Promise<Body> => {
    const answer = await eventually(
      () => suite.request<Body>('POST', path, body),
      ({ status, body: said }) => expect([status, said]).toEqual([202, expect.anything()]),
      60_000,
    );
    return answer.body;
  };
  const spansOf = async (traceId: string): Promise<readonly Span[]> => {
    const spans: Span[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { status, body } = await suite.request<Opened>(
        'GET',
        `/traces/${traceId}?limit=10000${more}`,
      );
      if (status !== 200) return [];
      spans.push(...body.spans);
      cursor = body.next_cursor;
    }
    return spans;
  };

  it('shows one request as one trace: command, decision, append, publication, projection, call', async () => {
    await post('/services', {
      ...{ service_name: 'venue', service_version: '1.0.0', service_type: 'api' },
      ...{ deployment_environment: 'development', dependencies: [] },
      health_check_endpoint: '/health',
    });
    await post('/services/venue/instances', {
      ...{ instance_id: 'venue-1', node_name: 'here', version: '1.0.0' },
      ...{ ip_address: '127.0.0.1', port: Number(new URL(venue.url).port) },
    });
    await eventually(
      () => suite.get<{ instances: object[] }>('/discovery/instances?service_name=venue'),
      ({ instances }) => expect(instances).toHaveLength(1),
      90_000,
    );
    await post('/workflow-definitions', {
      ...{ name: 'book', version: '1.0.0', timeout_minutes: 5, compensation_strategy: 'all' },
      steps: [
        {
          ...{ name: 'reserve', type: 'service_call', service_name: 'venue' },
          ...{ endpoint: '/reservations', input_mapping: {}, output_mapping: {} },
          timeout_seconds: 30,
        },
      ],
    });
    const { workflow_id } = await post<{ workflow_id: string }>('/workflows', {
      ...{ workflow_name: 'book', correlation_id: 'traced', initiating_service: 'end-to-end' },
      context_data: {},
    });
    const { events } = await suite.get<{ events: { meta: { traceparent: string } }[] }>(
      `/events?stream=workflow-${workflow_id}`,
    );
    const traceId = first(events).meta.traceparent.slice(3, 35);
    await eventually(
      () => spansOf(traceId),
      (spans) => {
        const steps = [
          /^POST \/api\/orchestration\/workflows server -$/,
          /^process command\.saga\.StartWorkflow\S* consumer -$/,
          /^decide StartWorkflow internal decide$/,
          /^append workflow internal append$/,
          /^publish WorkflowStarted producer publish$/,
          /^project saga\.workflows internal project$/,
          /^call venue client call$/,
        ];
        const told = spans.map(
          ({ operation_name, span_kind, tags }) =>
            `${operation_name} ${span_kind} ${tags['downbeat.step'] ?? '-'}`,
        );
        expect(told).toEqual(
          expect.arrayContaining(steps.map((step) => expect.stringMatching(step) as string)),
        );
        // One tree: everything follows from the request.
        expect(spans.filter(({ depth }) => depth === 0)).toMatchObject([{ span_kind: 'server' }]);
      },
      90_000,
    );
  });
});
