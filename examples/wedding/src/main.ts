import { connectDownbeat, reachableAddress, type DownbeatConnection } from '@downbeat/sdk';
import { participants } from './all-participants';
import { CallLog, callLogFile } from './call-log';
import { PARTICIPANT_NAMES, type Participant } from './participant';
import { ParticipantServer } from './participant-server';

const STOP_MS_MAX = 2_000;

/** Runs one participant as a process: `node dist/main.js venue`. */
async function main(): Promise<void> {
  const name = PARTICIPANT_NAMES.find((known) => known === process.argv[2]);
  if (!name) throw new RangeError(`name one of ${PARTICIPANT_NAMES.join(', ')}`);
  const { PORT = '0', HOST = '127.0.0.1', DOWNBEAT_DATA_DIR = '.downbeat' } = process.env;
  const participant = participants[name];
  const server = new ParticipantServer(
    participant,
    CallLog.open(callLogFile(DOWNBEAT_DATA_DIR, name)),
  );
  const port = await server.listen(Number(PORT), HOST);
  const address = reachableAddress(HOST);
  const url = `http://${address}:${port}`;
  process.send?.({ type: 'listening', url });
  log({ message: 'listening', service: name, url });
  const connection = connect(participant, address, port);

  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(0), STOP_MS_MAX).unref();
    // Deregistered first: nobody is sent here any more when the door closes.
    void Promise.resolve(connection?.stop())
      .then(() => server.close())
      .then(() => process.exit(0));
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(signal, stop);
}

/** Makes the participant known to the suite when there is one. */
function connect(
  participant: Participant,
  address: string,
  port: number,
): DownbeatConnection | undefined {
  const { GATEWAY_URL } = process.env;
  if (GATEWAY_URL === undefined) return undefined;
  return connectDownbeat({
    gatewayUrl: GATEWAY_URL,
    service: {
      service_name: participant.name,
      service_version: '1.0.0',
      service_type: 'api',
      service_description: participant.description,
      deployment_environment: 'development',
      health_check_endpoint: '/health',
      dependencies: [],
      capabilities: [...participant.capabilities],
      health_check: { interval_ms: 1_000, timeout_ms: 500, failure_threshold: 2 },
    },
    instance: { ip_address: address, port },
    stopTimeoutMs: STOP_MS_MAX - 500,
    onEvent: (event) => log({ message: event.type, service: participant.name, ...event }),
  });
}

const log = (line: Readonly<Record<string, unknown>>): void =>
  void process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`);

main().catch((fault: unknown) => {
  process.stderr.write(`${fault instanceof Error ? fault.message : String(fault)}\n`);
  process.exitCode = 1;
});
