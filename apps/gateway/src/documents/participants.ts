/** `docs/messages.md`, for who is called rather than calls: the NATS side of a workflow's steps. */
export const PARTICIPANTS = `## Participants

A step or an undo whose \`endpoint\` is \`nats:<subject>\` is a NATS request on that subject; no instance is
looked up, and the suite's own subjects cannot be named. The body is what its \`input_mapping\` makes, as
JSON. Headers:

| Header | Holds |
| --- | --- |
| \`idempotency-key\` | \`<run>:<step>\`, of an undo \`<run>:<step>:undo\`; the same for every attempt, after a restart of the suite too: carry out once per key |
| \`downbeat-attempt\` | 1 for the first call |
| \`downbeat-undoes\` | for an undo: the key of the call to undo, which may not have arrived at all |
| \`x-correlation-id\`, \`traceparent\` | the run's |

The reply says how it went:

- **Done**: a reply without the header \`Nats-Service-Error-Code\`. Its body (JSON, or text, or empty; at most
  1,000,000 bytes) is the step's output. The body alone never refuses: \`{"error": …}\` is an output too.
- **Refused**: a reply with the headers \`Nats-Service-Error-Code\`, an HTTP status, and \`Nats-Service-Error\`, one
  line for people, as NATS services have it (ADR-32). The status is judged as over HTTP: \`408\`, \`425\`, \`429\` and
  \`5xx\` are called again with the same key, every other one is a failure for sure unless \`retry_on\` names it;
  after the last attempt only \`502\` and \`504\` leave it unknown whether the call had an effect.
- **Nobody listens** counts as a refused connection: called again, then a failure for sure.
- **No reply** within \`timeout_seconds\`: called again, then unknown, so what it may have done is undone.

In Node, with the \`nats\` package:

\`\`\`js
for await (const request of connection.subscribe('service.stock.reserve', { queue: 'stock' })) {
  const refusal = reserve(json.decode(request.data), request.headers.get('idempotency-key'));
  if (!refusal) { request.respond(json.encode({ reserved: true })); continue; }
  const said = headers();
  said.set('Nats-Service-Error-Code', '409');
  said.set('Nats-Service-Error', refusal);
  request.respond(undefined, { headers: said });
}
\`\`\``;
