const HIDDEN = '***';
/** Shorter ones are in every text. Of the value itself every length counts. */
const FORM_MIN = 3;

/**
 * The text without these values: as they are, line by line, and as they stand in URLs, forms, JSON,
 * hexadecimal and base64, there also in the middle of something longer. A help against oversight and not
 * a proof: nobody knows all the ways in which a value can be written.
 */
export const scrubbed = (text: string, secrets: readonly string[]): string =>
  [...new Set(secrets.flatMap(spellingsOf))]
    // The longest first: one may be a part of another.
    .sort((one, other) => other.length - one.length)
    .reduce((said, form) => said.replaceAll(form, HIDDEN), text);

function spellingsOf(value: string): readonly string[] {
  const parts = [value.trim(), ...value.split(/[\r\n]+/).map((line) => line.trim())];
  const forms = [value, ...parts].flatMap(formsOf).concat(parts);
  return [value, ...forms.filter(({ length }) => length >= FORM_MIN)].filter((one) => one !== '');
}

function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const inUrl = encodeURIComponent(value.replace(/\p{Cs}/gu, ''));
  const inForm = new URLSearchParams([['', value]]).toString().slice(1);
  const hex = bytes.toString('hex');
  return [
    ...[inUrl, inForm].flatMap((form) => [form, withLowerEscapes(form)]),
    ...[hex, hex.toUpperCase()],
    ...[0, 1, 2].flatMap((before) => withinBase64(bytes, before)),
    // Without its quotation marks.
    JSON.stringify(value).slice(1, -1),
  ];
}

const withLowerEscapes = (form: string): string =>
  form.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());

/** The characters that depend on these bytes alone, when so many others (modulo 3) stand before them. */
function withinBase64(bytes: Buffer, before: number): readonly string[] {
  const all = Buffer.concat([Buffer.alloc(before), bytes]);
  const [start, end] = [Math.ceil((before * 8) / 6), Math.floor((all.length * 8) / 6)];
  return (['base64', 'base64url'] as const).map((kind) => all.toString(kind).slice(start, end));
}
