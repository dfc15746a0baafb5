import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

const ITERATIONS = 4_096;
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/**
 * What Postgres stores instead of a password (RFC 5803). Sent in place of it, so that no statement
 * and no server log ever holds the password itself.
 *
 * @throws {RangeError} Not printable ASCII: other text would need SASLprep on both sides.
 */
export function scramVerifier(password: string): string {
  if (!PRINTABLE_ASCII.test(password))
    throw new RangeError('a database password must be printable ASCII');
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest();
  const keys = `${storedKey.toString('base64')}:${hmac('Server Key').toString('base64')}`;
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${keys}`;
}
