import { eventually } from '@downbeat/local-servers/testing';
import { FakeLog } from '../testing/fake-log';
import { GatewayBench } from '../testing/gateway-bench';
import { StreamReader } from '../testing/stream-reader';

describe('request metrics', () => {
  let bench: GatewayBench;
  beforeAll(async () => {
    bench = await GatewayBench.start();
  });
  afterAll(() => bench.stop());

  it('have route templates as labels, never what a client sent', async () => {
    await bench.fetch('/api/orchestration/services/billing');
    await bench.fetch('/api/orchestration/services/billing?colour=red');
    await bench.fetch('/nothing/at/all');
    const text = await bench.metrics();
    const route = '/api/orchestration/services/:service_id';
    expect(text).toContain(`http_requests_total{method="GET",route="${route}",status="200"} 1`);
    expect(text).toContain(`http_requests_total{method="GET",route="${route}",status="400"} 1`);
    expect(text).toContain('http_requests_total{method="GET",route="unmatched",status="404"} 1');
    expect(text).toContain(`http_request_duration_seconds_count{method="GET",route="${route}"} 2`);
    expect(text).not.toMatch(/billing|colour|nothing/);
  });

  it('show how many streams are open', async () => {
    new FakeLog(bench.bus);
    const open = 'http_requests_under_way{method="GET",route="/api/orchestration/stream"}';
    const reader = await StreamReader.open(bench);
    expect(await bench.metrics()).toContain(`${open} 1`);
    reader.close();
    await eventually(async () => expect(await bench.metrics()).not.toContain(open));
  });
});
