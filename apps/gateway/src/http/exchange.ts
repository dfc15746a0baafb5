import type { Request, Response } from 'express';
import type { Reply } from './reply';
import type { RequestContext } from './request-context';

/** One request on its way through a handler. */
export interface Exchange {
  readonly request: Request;
  readonly response: Response;
  readonly context: RequestContext;
}

/** Answers a request; `undefined` when it took over the response itself, as a stream does. */
export type Handler = (exchange: Exchange) => Promise<Reply | undefined>;
