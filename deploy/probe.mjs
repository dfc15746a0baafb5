// `node deploy/probe.mjs /health/ready`: 0 when this container's own process answers 200 there.
// The images have neither curl nor wget.
const [path = '/health/live'] = process.argv.slice(2);
const url = `http://127.0.0.1:${process.env.PORT ?? 3000}${path}`;

try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_500) });
  process.stdout.write(`${answer.status} ${await answer.text()}\n`);
  process.exitCode = answer.ok ? 0 : 1;
} catch (failure) {
  process.stdout.write(`${url}: ${failure.cause?.code ?? failure.message}\n`);
  process.exitCode = 1;
}
