import { hostConfig } from './config/host-config';
import { InvalidConfig, loadConfig } from './config/load-config';
import { tracingConfig } from './config/tracing-config';
import type { startTracing } from './start-tracing';

const settings = hostConfig.pick({ OTEL_EXPORTER_OTLP_ENDPOINT: true }).extend(tracingConfig.shape);

/**
 * Loads the auto-instrumentations, if traces have somewhere to go. Must be the first import of a
 * process: they wrap modules as these are loaded. Without an endpoint they would cost 35 MB and
 * hold up every shutdown for ten seconds.
 */
try {
  const given = loadConfig(settings);
  if (given.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined) {
    Object.assign(process.env, given);
    const tracing = require('./start-tracing') as { startTracing: typeof startTracing };
    tracing.startTracing();
  }
} catch (fault) {
  // The host lists it with whatever else is wrong, and ends the process.
  if (!(fault instanceof InvalidConfig)) throw fault;
}

export {};
