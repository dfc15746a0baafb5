import type { IncomingMessage } from 'node:http';
import {
  getNodeAutoInstrumentations,
  getResourceDetectors,
} from '@opentelemetry/auto-instrumentations-node';
import { NodeSDK } from '@opentelemetry/sdk-node';

/** Requests that come every few seconds and say nothing, and those that bring spans: of each of these there would be a span to bring. */
const UNTRACED = /^\/(v1\/traces|health|metrics)\b/;

export const isUntraced = ({ url = '' }: Pick<IncomingMessage, 'url'>): boolean =>
  UNTRACED.test(url);

/** What `@opentelemetry/auto-instrumentations-node/register` does, but for what it leaves out. */
export function startTracing(): void {
  const sdk = new NodeSDK({
    instrumentations: getNodeAutoInstrumentations({
      '@opentelemetry/instrumentation-http': { ignoreIncomingRequestHook: isUntraced },
      // What nobody asked for, such as the polls of projectors, would be traces of one span each.
      '@opentelemetry/instrumentation-pg': { requireParentSpan: true },
      '@opentelemetry/instrumentation-net': { enabled: false },
      '@opentelemetry/instrumentation-dns': { enabled: false },
    }),
    resourceDetectors: getResourceDetectors(),
  });
  sdk.start();
  const end = (): void => {
    sdk.shutdown().catch((fault: unknown) => {
      process.stderr.write(`the last traces were not handed over: ${String(fault)}\n`);
    });
  };
  process.on('SIGTERM', end);
  process.once('beforeExit', end);
}
