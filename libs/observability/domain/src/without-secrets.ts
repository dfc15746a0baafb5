const REDACTED = '[redacted]';
/** How a name ends whose value nobody may read: `http.request.header.set-cookie`. */
const SECRET_NAME = /(?:authorization|cookie|password|passwd|token|secret|api[-_]key)$/i;
const URL_NAME = /^(?:url\.full|http\.url)$/i;
const DATABASE_NAME = /^db\.connection_string$/i;

/** The value of an attribute as it may be kept: the log forgets nothing. */
export function withoutSecrets(name: string, value: string): string {
  if (SECRET_NAME.test(name)) return REDACTED;
  if (URL_NAME.test(name))
    return withoutQuery(value.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, '$1//'));
  if (DATABASE_NAME.test(name)) return databaseAddress(value);
  return value;
}

const withoutQuery = (address: string): string => address.replace(/[?#].*$/s, '');

/** `Server=db;Password=…` is left out whole: which parts are secret each driver says otherwise. */
function databaseAddress(value: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(value)?.[0];
  if (scheme === undefined) return REDACTED;
  // Up to the last `@`: a password that is not encoded may hold any character.
  const from = Math.max(scheme.length, value.lastIndexOf('@') + 1);
  return withoutQuery(scheme + value.slice(from));
}
