import { createServer } from 'node:http';

/**
 * How runs are started where an engine has no entry of its own: `POST /runs` answers with the end of
 * the run, `POST /runs?wait=no` when the run is accepted; anything else says that it can begin.
 *
 * @param start Given a run's id and order, returns when the run is accepted; `result` is its end.
 */
export function serveRuns(start) {
  const server = createServer((request, response) => {
    answer(request, response).catch((fault) => {
      console.error(fault);
      send(response, 500, { detail: String(fault) });
    });
  });
  async function answer(request, response) {
    if (request.method !== 'POST') return send(response, 200, {});
    const { result } = await start(await bodyOf(request));
    if (request.url !== '/runs?wait=no') return send(response, 200, await result);
    result.catch((fault) => console.error(fault));
    send(response, 202, {});
  }
  server.keepAliveTimeout = 60_000;
  server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () =>
    process.send?.({ type: 'listening', url: `http://127.0.0.1:${server.address().port}` }),
  );
  process.once('SIGTERM', () => process.exit(0));
  process.once('disconnect', () => process.exit(0));
}

async function bodyOf(request) {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += part;
  return JSON.parse(text);
}

function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
