import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Operation {
  readonly parameters?: readonly { readonly name?: string; readonly $ref?: string }[];
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly parameters: Readonly<Record<string, { readonly name: string }>> };
}

const ROOT = join(__dirname, '..', '..', '..', '..');
const text = (...path: readonly string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const api = JSON.parse(text('docs', 'openapi.json')) as OpenApi;
const pages = [
  'README.md',
  join('libs', 'sdk', 'README.md'),
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** Not in the table of the contracts: made from it, or the beginning of its paths. */
const OWN_PATHS = new Set(['/docs', '/openapi.json', '/asyncapi.yaml', '/api/orchestration']);

const nameOf = ({ name, $ref }: { readonly name?: string; readonly $ref?: string }): string =>
  name ?? api.components.parameters[$ref?.split('/').at(-1) ?? '']?.name ?? '';

interface Documented {
  readonly method: string;
  readonly path: string;
}

/** An address of the suite, or a variable of a page that stands for the beginning of its paths. */
const ADDRESS = /(?:(?:localhost|127\.0\.0\.1):8080|\$(?:api|API|B)\b)(\/[^\s'"`);]*)/g;

/** What a page tells to request. A line that ends in a backslash goes on in the next. */
function requestsIn(page: string): readonly Documented[] {
  const lines = page.replaceAll('\\\n', ' ').split('\n');
  return lines.flatMap((line) =>
    [...line.matchAll(ADDRESS)].map(([whole, path = '']) => ({
      method: methodOf(line),
      path: whole.startsWith('$') ? `/api/orchestration${path}` : path,
    })),
  );
}

function methodOf(line: string): string {
  const said = /\s-X ?([A-Z]+)/.exec(line)?.[1];
  if (said !== undefined) return said;
  return /\s(-d|--data|--json)/.test(line) && !/\s-G\b/.test(line) ? 'POST' : 'GET';
}

/** The requests that the API does not know: another path, another method, another parameter. */
const unknownIn = (page: string): readonly Documented[] =>
  requestsIn(page).filter((request) => !isKnown(request));

function isKnown({ method, path: whole }: Documented): boolean {
  const [path = '', query = ''] = whole.replace(/#.*$/, '').split('?', 2);
  if (OWN_PATHS.has(path)) return true;
  const names = [...new URLSearchParams(query).keys()];
  return Object.entries(api.paths)
    .filter(([template]) => fits(path.split('/'), template.split('/')))
    .flatMap(([, methods]) => methods[method.toLowerCase()] ?? [])
    .some(({ parameters = [] }) =>
      names.every((name) => parameters.some((one) => nameOf(one) === name)),
    );
}

const fits = (parts: readonly string[], template: readonly string[]): boolean =>
  parts.length === template.length &&
  template.every((part, at) => part === parts[at] || part.startsWith('{'));

describe('requests in the documents', () => {
  it.each(pages)('are ones that the API knows: %s', (page) =>
    expect(unknownIn(text(page))).toEqual([]),
  );

  it('are looked at: an unknown path, parameter or method is found', () => {
    const planted = [
      'curl localhost:8080/api/orchestration/service',
      "curl '$api/services?colour=red'",
      'curl 127.0.0.1:8080/api/orchestration/services/a/b',
      'curl -X PUT \\\n  $B/services',
      "curl $API/services/a/instances/b/offer -d '{}'",
    ];
    expect(unknownIn(planted.join('\n'))).toHaveLength(planted.length);
    const known = ['curl $api/services', "curl localhost:8080/api/orchestration/services -d '{}'"];
    expect(requestsIn(known.join('\n'))).toHaveLength(2);
    expect(unknownIn(known.join('\n'))).toEqual([]);
  });
});
