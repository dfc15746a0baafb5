import {
  contracts,
  validate,
  type CommandContract,
  type HttpRoute,
  type QueryContract,
} from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const page = readFileSync(resolve(__dirname, '../../../../docs/health-checks.md'), 'utf8');
const sent = [...page.matchAll(/^curl -X (\w+) \$API(\S+) .*? -d '(.*?)'$/gms)].map(
  ([, method = '', path = '', body = '']) => ({ method, path, body }),
);
const asked = [...page.matchAll(/^curl "?\$API([^\s"]+)"?$/gm)].map(([, path = '']) => path);

const all = Object.values(contracts);
const routes: readonly (CommandContract | QueryContract)[] = [
  ...all.flatMap(({ commands }) => commands),
  ...all.flatMap(({ queries }) => queries),
];

/** What is asked for, with the fields that stand in the path. */
function routeOf(method: string, path: string) {
  for (const contract of routes) {
    const http: HttpRoute | undefined = contract.http;
    const shape = http?.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
    const match = http?.method === method && new RegExp(`^${shape}$`).exec(path);
    if (match) return { contract, fields: match.groups ?? {} };
  }
  throw new Error(`there is no route ${method} ${path}`);
}

describe('the page on health checks', () => {
  it('has examples', () => expect([sent.length, asked.length]).toEqual([4, 4]));

  it.each(sent)('sends what is accepted: $method $path', ({ method, path, body }) => {
    const { contract, fields } = routeOf(method, path);
    if (contract.kind !== 'command') throw new Error('it is no command');
    const valid = validate(contract.data, { ...fields, ...(JSON.parse(body) as object) });
    expect(valid instanceof Rejection ? valid.errors : []).toEqual([]);
  });

  it.each(asked)('asks what is answered: %s', (url) => {
    const [path = '', search] = url.split('?');
    const { contract, fields } = routeOf('GET', path);
    if (contract.kind !== 'query') throw new Error('it is no query');
    const input = { ...fields, ...Object.fromEntries(new URLSearchParams(search)) };
    const valid = validate(contract.input, input);
    expect(valid instanceof Rejection ? valid.errors : []).toEqual([]);
  });
});
