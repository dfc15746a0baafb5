import type { ServerResponse } from 'node:http';
import { storyOfRequest } from '@downbeat/service-host';
import { hasBody } from './body';

/** What a handler answers. Headers in it win over those every answer gets. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Absent: an answer without a body. */
  readonly body?: string;
}

export const jsonReply = (
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Reply => ({
  status,
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(value),
});

/** Sends it, unless the client is gone; Node leaves the body out of an answer to HEAD. */
export function send(response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  response.statusCode = reply.status;
  if (reply.status >= 500) tellProblem(response, reply);
  // What the client still sends of this request is not read any more.
  if (!response.req.complete && hasBody(response.req)) response.setHeader('Connection', 'close');
  for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
  if (reply.body === undefined) {
    response.end();
    return;
  }
  const bytes = Buffer.from(reply.body);
  response.setHeader('Content-Length', bytes.length);
  response.end(bytes);
}

/** What the line of the request in the log says of its cause. */
function tellProblem({ req }: ServerResponse, { headers, body }: Reply): void {
  const story = storyOfRequest(req);
  if (!story || body === undefined || headers['Content-Type'] !== 'application/problem+json')
    return;
  story.problem = (JSON.parse(body) as { readonly code: string }).code;
}
