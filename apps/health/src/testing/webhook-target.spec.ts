import { WebhookTarget } from './webhook-target';

describe('whoever wants to be told of alerts', () => {
  let target: WebhookTarget;
  beforeAll(async () => {
    target = await WebhookTarget.open();
  });
  afterAll(() => target.close());

  const tell = (delivery: string, state: string) =>
    fetch(`${target.url}/on-call`, {
      method: 'POST',
      headers: { 'downbeat-delivery': delivery },
      body: JSON.stringify({
        kind: state,
        alerts: [{ rule_id: 'down', subject: 'billing', episode: 1, state }],
      }),
    });

  it('takes what comes at least once for said once, by its id', async () => {
    for (const delivery of ['1', '1']) await tell(delivery, 'firing');
    await tell('2', 'resolved');
    await tell('1', 'firing');
    expect(target.said('down')).toEqual(['billing 1 firing', 'billing 1 resolved']);
    expect(target.received).toHaveLength(4);
  });
});
