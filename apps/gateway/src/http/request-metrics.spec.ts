import { register } from 'prom-client';
import { GatewayBench } from '../testing/gateway-bench';

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
    const text = await register.metrics();
    const route = '/api/orchestration/services/:service_id';
    expect(text).toContain(`http_requests_total{method="GET",route="${route}",status="200"} 1`);
    expect(text).toContain(`http_requests_total{method="GET",route="${route}",status="400"} 1`);
    expect(text).toContain('http_requests_total{method="GET",route="unmatched",status="404"} 1');
    expect(text).toContain(`http_request_duration_seconds_count{method="GET",route="${route}"} 2`);
    expect(text).not.toMatch(/billing|colour|nothing/);
  });
});
