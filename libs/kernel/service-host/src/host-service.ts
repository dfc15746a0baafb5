import { types } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { CONTEXTS } from '@downbeat/event-store';
import { Fault } from '@downbeat/eventsourcing';
import { NatsMessageBus, type BusLog } from '@downbeat/message-bus';
import { MessageBusStrategy, type AnswerListener } from '@downbeat/message-bus/nest';
import { Logger as NestLogger, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Logger } from 'nestjs-pino';
import { Registry } from 'prom-client';
import { hostConfig, type HostConfig } from './config/host-config';
import { natsIdentityOf } from './config/nats-identity';
import type { HostSettings } from './config/host-settings';
import { InvalidConfig, loadConfig } from './config/load-config';
import { settingsOf } from './config/settings-of';
import { tracingConfig } from './config/tracing-config';
import { DebugLogs } from './debugging/debug-logs';
import { tellQuery } from './debugging/told';
import { HostModule } from './host.module';
import { Probes } from './http/probes';
import { jsonLog, requestLog } from './logging';
import { exposeMetrics } from './metering/exposed-metrics';
import { HostMetrics } from './metering/host-metrics';
import { exposeReadiness } from './metering/readiness-metrics';
import { HostLifecycle } from './runtime/host-lifecycle';
import { reportListening } from './runtime/parent-process';
import { SelfReports } from './runtime/self-reports';

/** `EX_CONFIG` of sysexits.h: starting again with the same environment would fail again. */
const EXIT_CONFIG = 78;

export interface HostedService {
  /** `registry`; it stands in every log line and metric. */
  readonly name: string;
  readonly module: Type;
  /**
   * How much its old generation may grow over what was alive before it is collected, percent; V8's own
   * pace, about 300, when absent. A lower one keeps the process small after a burst, for more CPU time.
   */
  readonly heapGrowingPercent?: number;
  /** Adapts the HTTP server before it listens; the gateway sets its limits here. */
  readonly configureHttp?: (app: NestExpressApplication, config: HostConfig) => void;
}

/** A process that runs, for whoever started it in the same process (tests). */
export interface RunningService {
  readonly url: string;
  readonly app: NestExpressApplication;
  /** May be asked again. */
  readonly stop: () => Promise<void>;
}

/** Runs a service until the process is told to end. The whole of an app's `main.ts`. */
export async function hostService(service: HostedService): Promise<void> {
  const { heapGrowingPercent } = service;
  // A pace and not a limit: what is alive has room, however much it is.
  if (heapGrowingPercent !== undefined)
    setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
  try {
    const running = await startService(service);
    endWithSignals(service.name, running);
  } catch (fault) {
    if (fault instanceof InvalidConfig) process.stderr.write(`${service.name}: ${fault.message}\n`);
    else process.stderr.write(`${service.name} could not start: ${explained(fault)}\n`);
    process.exit(fault instanceof InvalidConfig ? EXIT_CONFIG : 1);
  }
}

/**
 * Starts a service in this process.
 *
 * @throws {InvalidConfig} The environment is not valid.
 * @throws {BusUnavailable} No NATS server within 30 s.
 */
export async function startService(
  service: HostedService,
  environment: HostSettings['environment'] = process.env,
): Promise<RunningService> {
  const { name, module } = service;
  const shapes = [tracingConfig, ...settingsOf(module)].map(({ shape }) => shape);
  // All of them at once, so that every bad key is listed.
  loadConfig(hostConfig.extend(Object.assign({}, ...shapes)), environment);
  const config = loadConfig(hostConfig, environment);
  const settings: HostSettings = { config, environment };
  const processLog = jsonLog(name, config.LOG_LEVEL);
  const debugLogs = new DebugLogs(processLog.logger, config.DEBUG);
  // Of the edge alone: nobody else is asked anything over HTTP but how it is.
  const told = name === 'gateway' ? debugLogs.loggerOf('downbeat:gateway:requests') : undefined;
  const log = told ? requestLog(name, told) : processLog;
  const metrics = new HostMetrics(new Registry());
  const probes = new Probes();
  const lifecycle = new HostLifecycle();
  const bus = await NatsMessageBus.connect({
    url: config.NATS_URL,
    identity: natsIdentityOf(config),
    prefix: config.NATS_PREFIX,
    name,
    log: busLog(),
    closeTimeoutMs: config.SHUTDOWN_TIMEOUT_MS / 2,
  });
  try {
    const app = await NestFactory.create<NestExpressApplication>(
      HostModule.of({
        name,
        module,
        settings,
        log: processLog,
        metrics,
        bus,
        probes,
        lifecycle,
        debugLogs,
      }),
      // No process but the gateway reads a body over HTTP, and that one has its own parser.
      { bufferLogs: true, abortOnError: false, bodyParser: false },
    );
    app.useLogger(app.get(Logger));
    app.disable('x-powered-by');
    // First of all, so that what others refuse is told of too.
    app.use(log);
    service.configureHttp?.(app, config);
    addProbes(probes, bus, lifecycle);
    exposeMetrics(name, metrics.registry, bus.metrics, lifecycle);
    exposeReadiness(metrics.registry, probes);
    app.connectMicroservice<MicroserviceOptions>({
      strategy: new MessageBusStrategy(bus, measured(metrics, tellQueries(debugLogs))),
    });
    await app.startAllMicroservices();
    await app.listen(config.PORT, config.HOST);
    const reports = new SelfReports(name, bus, lifecycle);
    reports.start();
    lifecycle.onStop('reports of the process', () => reports.stop());
    const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
    let stopped: Promise<void> | undefined;
    const stop = () => (stopped ??= stopInOrder(app, probes, lifecycle, bus));
    return { url, app, stop };
  } catch (fault) {
    await lifecycle.stop();
    await bus.close();
    await lifecycle.close();
    throw fault;
  }
}

/** Less and less is left to do, so nothing is cut off: no new work, finish, say goodbye, close. */
async function stopInOrder(
  app: NestExpressApplication,
  probes: Probes,
  lifecycle: HostLifecycle,
  bus: NatsMessageBus,
): Promise<void> {
  probes.stop();
  await lifecycle.stop();
  await bus.close();
  await app.close();
  await lifecycle.close();
}

function addProbes(probes: Probes, bus: NatsMessageBus, lifecycle: HostLifecycle): void {
  probes.add({
    name: 'nats',
    check: () => ({ isReady: bus.status() === 'connected', details: { status: bus.status() } }),
  });
  for (const runtime of lifecycle.runtimes)
    probes.add({
      name: runtime.context,
      check: () => {
        const status = runtime.status();
        const isServed = status.projections.every((one) => one.is_served);
        return { isReady: isServed && status.database === 'reachable', details: status };
      },
    });
}

function endWithSignals(name: string, running: RunningService): void {
  const logger = new NestLogger(name);
  const timeoutMs = loadConfig(hostConfig).SHUTDOWN_TIMEOUT_MS;
  let ending = false;
  const end = (why: string): void => {
    if (ending) return;
    ending = true;
    logger.log({ why }, 'stopping');
    setTimeout(() => process.exit(1), timeoutMs).unref();
    running.stop().then(
      () => process.exit(),
      (fault: unknown) => {
        logger.error({ err: fault }, 'did not stop well');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', () => end('SIGTERM'));
  process.once('SIGINT', () => end('SIGINT'));
  process.on('unhandledRejection', (fault) => {
    logger.error({ err: fault }, 'a promise was rejected and nobody looked');
    process.exitCode = 1;
    end('unhandled rejection');
  });
  reportListening(running.url, () => end('the parent process is gone'));
}

/** Asked once for each context: what is turned off costs a look into a map. */
function tellQueries(debugLogs: DebugLogs): AnswerListener {
  const tells = new Map(
    CONTEXTS.map((context) => [context as string, debugLogs.of(`downbeat:${context}:queries`)]),
  );
  return (subject, outcome, beganMs) => {
    const [, context = ''] = subject.split('.');
    const tell = tells.get(context);
    if (tell) tellQuery(tell, subject, outcome, beganMs);
  };
}

const measured =
  (metrics: HostMetrics, tell: AnswerListener): AnswerListener =>
  (subject, outcome, beganMs) => {
    metrics.answered(subject, outcome, beganMs);
    tell(subject, outcome, beganMs);
  };

const busLog = (): BusLog => {
  const logger = new NestLogger('bus');
  return {
    info: (message, details) => logger.log(details, message),
    warn: (message, details) => logger.warn(details, message),
    error: (message, details) => logger.error(details, message),
  };
};

/** Expected ones in a sentence, the others with the place they come from. */
function explained(fault: unknown): string {
  if (!types.isNativeError(fault)) return String(fault);
  const isExpected = fault instanceof Fault || 'syscall' in fault;
  return isExpected ? fault.message : (fault.stack ?? fault.message);
}
