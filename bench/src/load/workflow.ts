import type { BenchSuite } from '../suite/bench-suite';

/** Calls of one run. */
export const CALLS_PER_RUN = 2;

/** Three steps: a call, a decision that looks at what the run knows, and another call. */
const definitionOf = (name: string, [first, second]: readonly [string, string]) => ({
  name,
  version: '1.0.0',
  timeout_minutes: 10,
  compensation_strategy: 'all',
  steps: [
    {
      name: 'reserve',
      type: 'service_call',
      service_name: first,
      endpoint: '/reservations',
      input_mapping: { order_id: 'order.order_id', sku: 'order.sku', quantity: 'order.quantity' },
      output_mapping: { reservation_id: 'id' },
      timeout_seconds: 10,
      compensation_action: {
        service_name: first,
        endpoint: '/reservations/cancel',
        input_mapping: { reservation_id: 'reservation_id' },
      },
    },
    {
      name: 'is-large',
      type: 'decision',
      cases: [{ when: 'order.amount > 10000.0', goto: 'end' }],
      default: 'pay',
    },
    {
      name: 'pay',
      type: 'service_call',
      service_name: second,
      endpoint: '/payments',
      input_mapping: { order_id: 'order.order_id', amount: 'order.amount' },
      output_mapping: { payment_id: 'id' },
      timeout_seconds: 10,
      compensation_action: {
        service_name: second,
        endpoint: '/payments/refund',
        input_mapping: { payment_id: 'payment_id' },
      },
    },
  ],
});

export const registerWorkflow = (
  suite: BenchSuite,
  name: string,
  services: readonly [string, string],
): Promise<unknown> => suite.request('POST', '/workflow-definitions', definitionOf(name, services));

/** What a client sends to start a run: about 300 bytes. */
export const startCommand = (workflow_name: string, correlation_id: string) => ({
  workflow_name,
  correlation_id,
  initiating_service: 'bench',
  context_data: {
    order: {
      order_id: correlation_id,
      sku: 'garden-chair-42',
      quantity: 6,
      amount: 149.5,
      customer: 'c-10472',
      note: 'leave it with the neighbours',
    },
  },
});
