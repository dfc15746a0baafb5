import type { Endpoint } from '../balancing/endpoint';
import type { Clockwork } from '../deadline/clockwork';
import type { AttemptContext } from '../edge/attempt-context';

/**
 * Who is there, from a snapshot in memory: nothing here may wait. It goes on answering with the last
 * snapshot it has when nobody sends it a newer one.
 */
export interface Directory<E extends Endpoint> {
  /** Rises when any answer may have changed; until then nobody asks again. */
  readonly revision: number;
  /** The instances of a service, not changed from here on; undefined: it is not known. */
  lookup(service: string): readonly E[] | undefined;
  /**
   * Those of all services that have the capability.
   *
   * @param range As npm writes it; undefined: any version.
   * @param environment That of the services; undefined: the one that the directory looks in.
   */
  lookupCapability(
    capability: string,
    range: string | undefined,
    environment: string | undefined,
  ): readonly E[] | undefined;
}

/** What the proxy has to know of a request; the rest is between its caller and the transport. */
export interface ProxyRequest {
  readonly method: string;
  /** With its query, if it has one. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Sends a request to one endpoint. Rejects when there is no answer, and for an answer that is none,
 * with its `status` where there is one. It passes on what is left of `context.deadline` (`DEADLINE_HEADER`).
 * What it can break off hears of the end by `context.onGivenUp`, or by `context.signal`, which is made then.
 */
export type Transport<E extends Endpoint, Request extends ProxyRequest, Answer> = (
  endpoint: E,
  request: Request,
  context: AttemptContext,
) => Promise<Answer>;

export interface ProxyPorts {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** From 0, below 1. */
  readonly chance: () => number;
  readonly wait: (ms: number) => Promise<void>;
  readonly timeOuts: Clockwork;
}
