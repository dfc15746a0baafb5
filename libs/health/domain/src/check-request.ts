import type { DataOf, registryContract } from '@downbeat/contracts';

/** What an instance was registered with: where it is, and how it is asked. */
export type Check = DataOf<typeof registryContract.instanceRegistered>['check'];
type Asked = Pick<
  registryContract.HealthCheck,
  'kind' | 'port' | 'expected_statuses' | 'expected_body' | 'grpc_service'
>;

/** One question to an instance, whole. */
export interface CheckRequest {
  readonly kind: registryContract.CheckKind;
  /** Of the instance; of http the path is asked for, of the others host and port count alone. */
  readonly url: string;
  /** Of nats. */
  readonly subject?: string | undefined;
  readonly expectedStatuses?: readonly number[] | undefined;
  readonly expectedBody?: Asked['expected_body'];
  readonly grpcService?: string | undefined;
}

const ORIGIN = /^(https?:\/\/)(\[[^\]]*\]|[^/:?#]*)(:\d+)?/;

/** How `asked` is put to the instance that was registered at `url`. */
export const requestOf = (
  asked: Asked,
  { url, subject }: Pick<Check, 'url' | 'subject'>,
): CheckRequest => ({
  kind: asked.kind ?? 'http',
  url: asked.port === undefined ? url : url.replace(ORIGIN, `$1$2:${asked.port}`),
  subject,
  expectedStatuses: asked.expected_statuses,
  expectedBody: asked.expected_body,
  grpcService: asked.grpc_service,
});

/** The machine that is asked: `10.0.0.7`, `[fd00::7]`. */
export const hostOf = ({ url }: CheckRequest): string => ORIGIN.exec(url)?.[2] ?? url;

/** For people: the address that is asked. */
export function addressOf({ kind, url, subject, grpcService }: CheckRequest): string {
  const [origin = url, , host = '', port = ''] = ORIGIN.exec(url) ?? [];
  switch (kind) {
    case 'http':
      return url;
    case 'tcp':
      return `tcp://${host}${port}`;
    case 'grpc':
      return `grpc://${host}${port}${grpcService === undefined ? '' : `/${grpcService}`}`;
    case 'nats':
      return subject === undefined ? `nats: ${origin} named no subject` : `nats:${subject}`;
  }
}
