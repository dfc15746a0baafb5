import type { NatsMessageBusOptions } from '@downbeat/message-bus';
import type { HostConfig } from './host-config';

type NatsIdentity = NonNullable<NatsMessageBusOptions['identity']>;

/** Who this process is on NATS, beside what its URL says. */
export function natsIdentityOf(config: HostConfig): NatsIdentity {
  const { NATS_CA_FILE, NATS_CERT_FILE, NATS_KEY_FILE, NATS_CREDS_FILE, NATS_NKEY_FILE } = config;
  return {
    ...(NATS_CA_FILE !== undefined && { caFile: NATS_CA_FILE }),
    ...(NATS_CERT_FILE !== undefined && { certFile: NATS_CERT_FILE }),
    ...(NATS_KEY_FILE !== undefined && { keyFile: NATS_KEY_FILE }),
    ...(NATS_CREDS_FILE !== undefined && { credsFile: NATS_CREDS_FILE }),
    ...(NATS_NKEY_FILE !== undefined && { nkeyFile: NATS_NKEY_FILE }),
  };
}
