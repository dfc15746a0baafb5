const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const HOSTNAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const HOSTNAME_LENGTH_MAX = 253;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;
const URI = /^[a-z][a-z0-9+.-]*:(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[0-9a-f]{2})+$/i;
const DURATION =
  /^P(?!$)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)$/;

/** The formats that are checked, by expressions of our own that take linear time; no other can be asked for. */
export const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  ipv4: (text) => IPV4.test(text),
  ipv6: isIpv6,
  hostname: (text) => text.length <= HOSTNAME_LENGTH_MAX && HOSTNAME.test(text),
  email: isEmail,
  uri: (text) => URI.test(text),
  uuid: (text) => UUID.test(text),
  date: isDate,
  time: (text) => TIME.test(text),
  'date-time': isDateTime,
  duration: (text) => DURATION.test(text),
};

/** @see RFC 4291, section 2.2; without a zone. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const all = groups.flat();
  const last = all.at(-1) ?? '';
  const hasIpv4 = last.includes('.');
  const isEach = all.every((group, at) =>
    hasIpv4 && at === all.length - 1 ? IPV4.test(group) : /^[0-9a-f]{1,4}$/i.test(group),
  );
  // An address of the old kind stands for two groups, and only at the end.
  const count = all.length + (hasIpv4 ? 1 : 0);
  const endsRight = !(hasIpv4 && halves.length === 2 && groups[1]?.length === 0);
  return isEach && endsRight && (halves.length === 2 ? count <= 7 : count === 8);
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  const [local, domain] = [text.slice(0, at), text.slice(at + 1)];
  return (
    at > 0 &&
    /^[\w.!#$%&'*+/=?^`{|}~-]+$/.test(local) &&
    !/^\.|\.$|\.\./.test(local) &&
    HOSTNAME.test(domain)
  );
}

function isDate(text: string): boolean {
  const [, year, month, day] = (DATE.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined) return false;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return days !== undefined && day >= 1 && day <= days;
}

/** @see RFC 3339, section 5.6; leap seconds are not known. */
function isDateTime(text: string): boolean {
  return /^.{10}[Tt]/.test(text) && isDate(text.slice(0, 10)) && TIME.test(text.slice(11));
}
