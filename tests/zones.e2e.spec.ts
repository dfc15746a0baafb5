import { DownbeatService, operation } from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import { z } from 'zod';
import { Suite } from './support/suite';

const CALLS = 30;

const quote = operation('quote', {
  input: z.object({}),
  output: z.object({ zone: z.string() }),
});

/** Goal: who has a zone is answered in it, and elsewhere when it is gone. Callers and the saga app are in `north`. */
describe('services in two zones', () => {
  let suite: Suite;
  let caller: DownbeatService;
  const services: DownbeatService[] = [];

  const started = async (service_name: string, zone?: string): Promise<DownbeatService> => {
    const service = new DownbeatService({
      gatewayUrl: suite.gatewayUrl,
      natsUrl: suite.natsUrl,
      service: { service_name, service_version: '1.0.0' },
      ...(zone !== undefined && { zone }),
    });
    services.push(service);
    service.handle(quote, () => ({ zone: zone ?? 'none' }));
    await service.start();
    await service.registered;
    return service;
  };
  const offered = (zones: readonly string[], to = caller): Promise<unknown> =>
    eventually(
      () => to.directory.serviceOf('pricing')?.targets.map(({ zone }) => zone) ?? [],
      (known) => expect(known.sort()).toEqual(zones),
      30_000,
    );
  const answers = async (service: DownbeatService): Promise<ReadonlySet<string>> => {
    const calls = Array.from({ length: CALLS }, () =>
      service.call('pricing', quote, {}, { timeoutMs: 30_000 }),
    );
    return new Set((await Promise.all(calls)).map(({ zone }) => zone));
  };
  const askedBySteps = async (): Promise<ReadonlySet<unknown>> => {
    const zones = new Set<unknown>();
    for (let run = 0; run < 6; run++) {
      const { body } = await suite.request('POST', '/workflows?wait=20s', {
        ...{ workflow_name: 'ask-price', initiating_service: 'shop', context_data: {} },
      });
      const { workflow } = body as { workflow?: { context_data?: { zone?: unknown } } };
      zones.add(workflow?.context_data?.zone);
    }
    return zones;
  };

  beforeAll(async () => {
    suite = await Suite.start({ demo: false, settings: { DOWNBEAT_ZONE: 'north' } });
    process.env['DOWNBEAT_ZONE'] = 'north';
    // As a process of this zone is told by its environment.
    caller = await started('shop');
    delete process.env['DOWNBEAT_ZONE'];
    const step = { name: 'ask', type: 'service_call', service_name: 'pricing' };
    const mapped = { input_mapping: {}, output_mapping: { zone: 'zone' } };
    const steps = [{ ...step, ...mapped, endpoint: '/operations/quote' }];
    const definition = { name: 'ask-price', version: '1.0.0', steps };
    const { status, body } = await suite.request('POST', '/workflow-definitions', definition);
    expect([status, body]).toEqual([202, expect.anything()]);
  });
  afterAll(async () => {
    delete process.env['DOWNBEAT_ZONE'];
    await Promise.all(services.map((service) => service.stop()));
    await suite?.stop();
  });

  it('are called in the zone of who calls, and elsewhere when nobody is there', async () => {
    const near = await started('pricing', 'north');
    await started('pricing', 'south');
    await offered(['north', 'south']);
    const stranger = await started('stranger');
    await offered(['north', 'south'], stranger);
    expect([...(await answers(caller))]).toEqual(['north']);
    expect([...(await askedBySteps())]).toEqual(['north']);
    expect([...(await answers(stranger))].sort()).toEqual(['north', 'south']);
    await near.stop();
    await offered(['south']);
    expect([...(await answers(caller))]).toEqual(['south']);
    expect([...(await askedBySteps())]).toEqual(['south']);
  });
});
