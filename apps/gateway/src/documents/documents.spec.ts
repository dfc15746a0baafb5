import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contracts } from '@downbeat/contracts';
import { parse } from 'yaml';
import { contractRoutes } from '../http/route-table';
import { isQueryByGet, isWatched } from '../views/watched-routes';
import { GatewayBench } from '../testing/gateway-bench';
import { generatedFiles } from './files';
import { openApi } from './openapi';

const generated = generatedFiles();
const committed = (name: string) => readFileSync(join(__dirname, '../../../../docs', name), 'utf8');

describe('the generated documents', () => {
  it.each(Object.keys(generated))('docs/%s is what the contracts say', (name) => {
    // When this fails: npx tsc -b apps/gateway && node apps/gateway/dist/documents/generate.js
    expect(committed(name)).toBe(generated[name]);
  });

  it('resolve every reference', () => {
    for (const document of [openApi(), parse(generated['asyncapi.yaml'] ?? '') as object]) {
      const text = JSON.stringify(document);
      const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) =>
        String(path),
      );
      expect(references.length).toBeGreaterThan(20);
      for (const path of references)
        expect([path, typeof at(document, path)]).toEqual([path, 'object']);
    }
  });

  it('hold every route with its own operation id', () => {
    const { paths } = openApi() as {
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    for (const { method, path } of contractRoutes)
      expect(paths[path]?.[method.toLowerCase()]).toBeDefined();
    const ids = Object.values(paths).flatMap((item) =>
      Object.values(item).map((one) => one.operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('say which answers can be followed', () => {
    const { paths } = openApi() as {
      paths: Record<string, { get?: { responses: Record<number, { content: object }> } }>;
    };
    const follows = contractRoutes.filter(isQueryByGet).map((route) => {
      const content = paths[route.path]?.get?.responses[200]?.content ?? {};
      return [route.contract.name, 'text/event-stream' in content, isWatched(route)] as const;
    });
    expect(follows.filter(([, isSaid, isMeant]) => isSaid !== isMeant)).toEqual([]);
    expect(follows.filter(([, isSaid]) => isSaid).length).toBeGreaterThan(30);
  });

  it('say what every command and query answers', () => {
    const page = generated['messages.md'] ?? '';
    expect(page).not.toContain('Answer: nothing');
    for (const field of ['`health_status`', '`body_json`', '`reason`'])
      expect(page).toMatch(new RegExp(`^Answer: .*${field}`, 'm'));
  });

  it('tell a participant on NATS how to refuse', () =>
    expect(generated['messages.md']).toMatch(/## Participants[^#]*Nats-Service-Error-Code/));

  it('hold every message', () => {
    const { channels } = parse(generated['asyncapi.yaml'] ?? '') as {
      channels: Record<string, { address: string }>;
    };
    const addresses = Object.values(channels).map(({ address }) => address);
    for (const { commands, queries, events } of Object.values(contracts))
      for (const { kind, context, name } of [...commands, ...queries, ...events]) {
        const subject = `${kind}.${context}.${name}`;
        expect(addresses.some((address) => address?.startsWith(subject))).toBe(true);
        expect(generated['messages.md']).toContain(subject);
      }
  });
});

const at = (document: unknown, path: string): unknown =>
  path
    .split('/')
    .reduce<unknown>(
      (inner, key) => (inner as Record<string, unknown> | undefined)?.[key],
      document,
    );

describe('the documents over HTTP', () => {
  let bench: GatewayBench;
  beforeAll(async () => {
    bench = await GatewayBench.start();
  });
  afterAll(() => bench.stop());

  it('are the OpenAPI document', async () =>
    expect(await (await bench.fetch('/openapi.json')).json()).toEqual(openApi()));

  it('are a page without scripts and without anything from elsewhere', async () => {
    const response = await bench.fetch('/docs');
    const page = await response.text();
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('Content-Security-Policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; /,
    );
    // An address as text is an example; nothing is fetched from one.
    expect(page).not.toMatch(/<script|(href|action)="?https?:|url\(|src=|undefined|\[object/);
    for (const { path } of contractRoutes) expect(page).toContain(`<code>${path}</code>`);
  });

  it('explain the type of a problem', async () => {
    const response = await bench.fetch('/problems/unknown-route');
    expect([response.status, response.headers.get('Location')]).toEqual([302, '/docs#problems']);
  });
});
