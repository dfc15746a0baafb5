import type { Dispatcher } from 'undici';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

const utf8 = new TextDecoder();

/** One request that undici has under way: it can be given up, and needs no signal for that. */
export class HttpExchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private reason: Error | undefined;
  private status = 0;
  private headers: RawAnswer['headers'] = {};
  private readonly chunks: Buffer[] = [];

  constructor(
    private readonly resolve: (answer: RawAnswer) => void,
    private readonly reject: (failure: unknown) => void,
  ) {}

  giveUp(reason: Error): void {
    this.reason = reason;
    this.controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // Given up while it waited for a connection: it does not go out.
    if (this.reason) controller.abort(this.reason);
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: RawAnswer['headers'],
  ): void {
    this.status = status;
    this.headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    const { status, headers, chunks } = this;
    this.resolve({ status, headers, body: utf8.decode(Buffer.concat(chunks)) });
  }

  onResponseError(_: Dispatcher.DispatchController, failure: Error): void {
    this.reject(failure);
  }
}
