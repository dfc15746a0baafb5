import type { CallFigures } from '../calls/call-report';

export const MINUTE = '2026-03-01T09:30:00.000Z';

/** One call from shop to billing that took about 4 ms, but for what is said. */
export const someCalls = (more: Partial<CallFigures> = {}): CallFigures => ({
  source_service: 'shop',
  target_service: 'billing',
  protocol: 'http',
  method: 'POST',
  endpoint: '/invoices',
  minute: MINUTE,
  ok: 1,
  client_errors: 0,
  server_errors: 0,
  unanswered: 0,
  duration_us: 4_200,
  durations: { '48': 1 },
  ...more,
});
