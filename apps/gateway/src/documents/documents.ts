import { Injectable } from '@nestjs/common';
import type { Handler } from '../http/exchange';
import { jsonReply } from '../http/reply';
import { docsPage } from './docs-page';
import { openApi } from './openapi';

/** Serves what the contracts say, to machines and to people; made once, at the start. */
@Injectable()
export class Documents {
  private readonly openApi = jsonReply(200, openApi());
  private readonly page = docsPage();

  readonly handlers: readonly (readonly [path: string, handler: Handler])[] = [
    ['/openapi.json', async () => this.openApi],
    ['/docs', async () => this.page],
    // Where the `type` of a problem leads.
    ['/problems/{code}', async () => ({ status: 302, headers: { Location: '/docs#problems' } })],
  ];
}
