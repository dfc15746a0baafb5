import { readFileSync } from 'node:fs';
import { credsAuthenticator, nkeyAuthenticator, type Authenticator } from 'nats';
import { InvalidNatsAddress, type NatsIdentity } from './nats-address';

/** Who signs what the server asks to be signed, with what stands in a file when it asks. */
export function authenticatorOf({ credsFile, nkeyFile }: NatsIdentity): Authenticator | undefined {
  if (credsFile !== undefined && nkeyFile !== undefined)
    throw new InvalidNatsAddress('credentials or an nkey can be given, not both');
  if (credsFile !== undefined) return signing(credsFile, credsAuthenticator);
  if (nkeyFile === undefined) return undefined;
  return signing(nkeyFile, (seed) =>
    nkeyAuthenticator(new TextEncoder().encode(new TextDecoder().decode(seed).trim())),
  );
}

/** A file that is being replaced must not end a process that could sign a moment ago. */
function signing(path: string, made: (content: Uint8Array) => Authenticator): Authenticator {
  let last: Authenticator | undefined;
  return (nonce) => {
    try {
      const now = made(readFileSync(path));
      const signed = now(nonce);
      last = now;
      return signed;
    } catch (fault) {
      if (last) return last(nonce);
      throw fault;
    }
  };
}
