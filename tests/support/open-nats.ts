import { OwnNatsServer } from '@downbeat/message-bus/testing';
import type { BenchServer } from './message-bench';

/** A server of the test's own, which takes everyone and may be killed. */
export class OpenNats implements BenchServer {
  private constructor(readonly own: OwnNatsServer) {}

  static async start(): Promise<OpenNats> {
    return new OpenNats(await OwnNatsServer.start());
  }

  urlOf(): string {
    return this.own.url;
  }

  stop(): Promise<void> {
    return this.own.stop();
  }
}
