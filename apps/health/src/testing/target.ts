import { HttpListener } from '@downbeat/test-bench';

/** A service that works or fails as it is told, and counts. */
export class Target {
  status = 200;
  calls = 0;
  failed = 0;

  private constructor(
    readonly name: string,
    private readonly listener: HttpListener,
  ) {}

  static async start(name: string): Promise<Target> {
    const target: Target = new Target(
      name,
      await HttpListener.start((request, response) => {
        target.calls++;
        if (target.status >= 500) target.failed++;
        request.resume();
        response.writeHead(target.status, { 'content-type': 'application/json' }).end('{}');
      }),
    );
    return target;
  }

  get url(): string {
    return this.listener.url;
  }

  stop(): Promise<void> {
    return this.listener.stop();
  }
}
