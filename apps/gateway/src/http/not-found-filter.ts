import { Catch, type ArgumentsHost, type ExceptionFilter, NotFoundException } from '@nestjs/common';
import type { Request, Response } from 'express';
import { problemReply } from './problems';
import { send } from './reply';
import { contextOf } from './request-context';

/** What no route of the process knows, whoever owns the others. */
@Catch(NotFoundException)
export class NotFoundFilter implements ExceptionFilter<NotFoundException> {
  catch(_: NotFoundException, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const context = contextOf(http.getRequest<Request>());
    const problem = { code: 'unknown-route', kind: 'not-found' } as const;
    send(
      http.getResponse<Response>(),
      problemReply({ ...problem, message: `nothing is at ${context.path}` }, context),
    );
  }
}
