import { createHash } from 'node:crypto';
import { contracts } from '@downbeat/contracts';
import { VERDICTS } from '../http/problems';
import type { Reply } from '../http/reply';
import { contractRoutes, takesBody, type ContractRoute } from '../http/route-table';
import { fieldRows } from './field-table';
import { SchemaBook, type JsonSchema } from './json-schema';
import { sampleRest, sampleUrl } from './samples';
import { STYLE } from './docs-style';

const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Every path of the edge on one page; no script, no other file. */
export function docsPage(): Reply {
  const styleHash = createHash('sha256').update(STYLE).digest('base64');
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    },
    body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Downbeat: the REST edge</title>
<style>${STYLE}</style>
<body>
<nav aria-label="Paths"><strong>Downbeat</strong>${Object.keys(contracts).map(navigation).join('')}
<p><a href="#stream">stream</a> · <a href="#problems">problems</a> · <a href="/openapi.json">openapi.json</a></p></nav>
<main><h1>The REST edge</h1>${INTRODUCTION}
${Object.keys(contracts).map(context).join('\n')}
${STREAM}
${problems()}
</main>`,
  };
}

const routesOf = (name: string) =>
  contractRoutes.filter(({ contract }) => contract.context === name);

const anchor = ({ contract }: ContractRoute): string => `${contract.context}.${contract.name}`;

const method = (route: ContractRoute): string => `<b class="${route.method}">${route.method}</b>`;

const navigation = (name: string): string =>
  `<h2>${name}</h2><ul>${routesOf(name)
    .map(
      (route) =>
        `<li><a href="#${anchor(route)}">${method(route)} ${escape(route.contract.http?.path ?? '')}</a></li>`,
    )
    .join('')}</ul>`;

const context = (name: string): string =>
  `<section><h2>${name}</h2>${routesOf(name).map(endpoint).join('')}</section>`;

function endpoint(route: ContractRoute): string {
  const book = new SchemaBook('#/');
  const { contract } = route;
  const input = book.input(contract.kind === 'command' ? contract.data : contract.input);
  const answer = book.output(contract.answer);
  const status =
    contract.kind === 'command' ? '202, with the <code>position</code> of its events' : '200';
  return `<article id="${anchor(route)}"><h3>${method(route)} <code>${escape(route.path)}</code></h3>
<p>${escape(contract.summary)}.</p>
${table(takesBody(route) ? 'Body and path' : 'Parameters', input)}
<pre><code>${escape(curl(route))}</code></pre>
<details><summary>Answer: ${status}</summary>${table('Answer', answer)}</details>
<details><summary>Schemas</summary><pre><code>${escape(JSON.stringify({ input, answer, ...book.schemas }, null, 2))}</code></pre></details>
</article>`;
}

function table(caption: string, schema: JsonSchema): string {
  const rows = fieldRows(schema);
  if (rows.length === 0) return '';
  const body = rows
    .map(
      ({ field, type, isRequired, rules }) =>
        `<tr><td><code>${escape(field)}</code>${isRequired ? '<i> required</i>' : ''}</td><td>${code(type)}</td><td>${code(rules)}</td></tr>`,
    )
    .join('');
  return `<table><caption>${caption}</caption><thead><tr><th>Field</th><th>Type</th><th>Rules</th></tr></thead><tbody>${body}</tbody></table>`;
}

/** Backticks as the tables of the written documents use them. */
const code = (text: string): string =>
  escape(text.replaceAll('\\|', '|')).replace(/&#96;|`([^`]*)`/g, '<code>$1</code>');

function curl(route: ContractRoute): string {
  const url = `"$GATEWAY${sampleUrl(route)}"`;
  if (!takesBody(route)) return `curl ${route.method === 'GET' ? '' : `-X ${route.method} `}${url}`;
  const body = JSON.stringify(sampleRest(route), null, 2).replaceAll("'", "'\\''");
  return `curl -X ${route.method} ${url} \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`;
}

const INTRODUCTION = `<p>A command answers 202 when its events are committed. <code>Idempotency-Key</code> makes it safe to repeat.
A query answers up to a position (<code>X-Read-Position</code>): <code>?min_position=</code> waits for one, <code>?at=</code> asks how it was, at a position or a time.
Unknown fields and parameters are refused and named. A body is JSON of at most 1 MiB; workflow definitions may be <code>application/yaml</code>.</p>`;

const STREAM = `<section id="stream"><h2>stream</h2><article><h3><b class="GET">GET</b> <code>/api/orchestration/stream</code></h3>
<p>The events of the log as they are committed (server-sent events). The id is the position: with <code>Last-Event-ID</code>, or <code>?after=</code>, nothing is missed.
Filters: <code>stream</code>, <code>type</code>, <code>correlation_id</code>, <code>context</code>.</p>
<pre><code>curl -N "$GATEWAY/api/orchestration/stream?after=0"</code></pre></article></section>`;

const problems = (): string =>
  `<section id="problems"><h2>problems</h2><p>Whatever goes wrong is <code>application/problem+json</code> (RFC 9457) with a stable <code>code</code>, the <code>trace_id</code>, and <code>errors</code> that name each field.</p>
<table><thead><tr><th>Code or kind</th><th>Status</th><th>Title</th><th>Hint</th></tr></thead><tbody>${VERDICTS.map(
    ([name, { status, title, hint }]) =>
      `<tr><td><code>${escape(name)}</code></td><td>${status}</td><td>${escape(title)}</td><td>${escape(hint ?? '')}</td></tr>`,
  ).join('')}</tbody></table></section>`;
