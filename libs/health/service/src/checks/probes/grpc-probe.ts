import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { Egress } from '@downbeat/egress';
import type { CheckRequest, CheckResult } from '@downbeat/health-domain';
import { Injectable } from '@nestjs/common';
import { GRPC_HEALTH_PATH, healthCheckRequest, servingStatusOf } from './grpc-health';
import { failedBy, type Probe } from './probe';

const BODY_BYTES_MAX = 1_024;
const FRAME_BYTES_MAX = 16_384;
/** `grpc-status` of a server that has no such method or service. */
const CODES: Readonly<Record<string, string>> = { '5': 'NOT_FOUND', '12': 'UNIMPLEMENTED' };

interface Answer {
  readonly status: string;
  readonly grpcStatus: string | undefined;
  readonly body: Buffer;
}

/** Asks the standard health service of a gRPC server, over HTTP/2 without TLS. */
@Injectable()
export class GrpcProbe implements Probe {
  constructor(private readonly egress: Egress) {}

  async run(
    { url, grpcService }: CheckRequest,
    timeoutMs: number,
  ): Promise<CheckResult | undefined> {
    const startedAt = performance.now();
    try {
      const socket = await this.egress.connect(url, timeoutMs);
      const leftMs = timeoutMs - (performance.now() - startedAt);
      const answer = await ask(socket, new URL(url).host, grpcService, leftMs, timeoutMs);
      return typeof answer === 'string' ? { isPassed: false, detail: answer } : judge(answer);
    } catch (fault) {
      return failedBy(fault);
    }
  }
}

function judge({ status, grpcStatus = 'none', body }: Answer): CheckResult {
  if (status !== '200') return { isPassed: false, detail: `HTTP ${status} instead of gRPC` };
  if (grpcStatus !== '0')
    return {
      isPassed: false,
      detail: `gRPC status ${CODES[grpcStatus] ?? grpcStatus}`.slice(0, 99),
    };
  const serving = servingStatusOf(body);
  return { isPassed: serving === 'SERVING', detail: `gRPC ${serving ?? 'answer not understood'}` };
}

/** One call on one connection, which ends with it. @returns Why there is no answer, in its place. */
const ask = (
  socket: Socket,
  authority: string,
  service: string | undefined,
  leftMs: number,
  timeoutMs: number,
): Promise<Answer | string> =>
  new Promise((resolve) => {
    const settle = (outcome: Answer | string): void => {
      clearTimeout(timer);
      resolve(outcome);
      session.destroy();
      socket.destroy();
    };
    const timer = setTimeout(() => settle(`timed out after ${timeoutMs} ms`), leftMs);
    const broken = (fault: Error): void => settle(`the connection broke: ${fault.message}`);
    socket.on('error', broken);
    const session = connect(`http://${authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false, maxFrameSize: FRAME_BYTES_MAX },
    });
    session.on('error', broken).on('close', () => settle('the connection was closed'));
    call(session, authority, service, settle).on('error', broken);
  });

function call(
  session: ClientHttp2Session,
  authority: string,
  service: string | undefined,
  settle: (outcome: Answer | string) => void,
) {
  const stream = session.request({
    ':method': 'POST',
    ':scheme': 'http',
    ':authority': authority,
    ':path': GRPC_HEALTH_PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'downbeat-health',
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A server that fails at once says so in the headers, and sends no trailers.
  let said: IncomingHttpHeaders = {};
  stream.on('response', (headers) => (said = headers));
  stream.on('trailers', (trailers) => (said = { ...said, ...trailers }));
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) settle('the answer is too long');
    else chunks.push(chunk);
  });
  stream.on('close', () =>
    settle({
      status: String(said[':status'] ?? 'none'),
      grpcStatus: said['grpc-status']?.toString(),
      body: Buffer.concat(chunks),
    }),
  );
  stream.end(healthCheckRequest(service));
  return stream;
}
