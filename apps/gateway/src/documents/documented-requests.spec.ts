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
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** Not in the table of the contracts: made from it, or the beginning of its paths. */
const OWN_PATHS = new Set(['/docs', '/openapi.json', '/asyncapi.yaml', '/api/orchestration']);

const nameOf = ({ name, $ref }: { readonly name?: string; readonly $ref?: string }): string =>
  name ?? api.components.parameters[$ref?.split('/').at(-1) ?? '']?.name ?? '';

/** The requests a page tells to make, that the API does not know: an unknown path or parameter. */
function unknownIn(page: string): readonly string[] {
  return [...page.matchAll(/localhost:8080(\/[^\s'"`);]*)/g)]
    .map(([, request = '']) => request)
    .filter((request) => !isKnown(request));
}

function isKnown(request: string): boolean {
  const [path = '', query = ''] = request.replace(/#.*$/, '').split('?', 2);
  if (OWN_PATHS.has(path)) return true;
  const operations = Object.entries(api.paths)
    .filter(([template]) => fits(path.split('/'), template.split('/')))
    .flatMap(([, methods]) => Object.values(methods));
  const names = [...new URLSearchParams(query).keys()];
  return operations.some(({ parameters = [] }) =>
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

  it('are looked at: an unknown path and an unknown parameter are found', () => {
    const planted = [
      'localhost:8080/api/orchestration/service',
      'localhost:8080/api/orchestration/services?colour=red',
      'localhost:8080/api/orchestration/services/a/b',
    ];
    expect(unknownIn(`curl '${planted.join(`' and curl '`)}'`)).toHaveLength(3);
  });
});
