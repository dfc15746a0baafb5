import type { ServerResponse } from 'node:http';
import type { Problem } from '@downbeat/message-bus';

/** How many connections may stay open at once. */
export interface PlacesMax {
  readonly clientsMax: number;
  /** Behind a proxy all clients have its address. */
  readonly clientsPerAddressMax: number;
}

/** The places of clients whose connections stay open; a place is free again when its connection closes. */
export class ClientPlaces {
  /** By response: the address of its client. */
  private readonly taken = new Map<ServerResponse, string>();

  constructor(private readonly max: PlacesMax) {}

  /** @returns Why there is none. */
  take(response: ServerResponse): Problem | undefined {
    const address = response.req.socket.remoteAddress ?? '';
    const full = this.fullFor(address);
    if (full) return full;
    this.taken.set(response, address);
    response.once('close', () => this.taken.delete(response));
    return undefined;
  }

  /** Those that have one. */
  get responses(): Iterable<ServerResponse> {
    return this.taken.keys();
  }

  private fullFor(address: string): Problem | undefined {
    const { clientsMax, clientsPerAddressMax } = this.max;
    if (this.taken.size >= clientsMax)
      return tooManyStreams(`${clientsMax} streams are open already`);
    const ofAddress = [...this.taken.values()].filter((other) => other === address).length;
    if (ofAddress >= clientsPerAddressMax)
      return tooManyStreams(`${clientsPerAddressMax} streams of this address are open already`);
    return undefined;
  }
}

/** Ends a stream. A client that does not take the rest of it keeps its place no longer than that. */
export function endWithin(response: ServerResponse, withinMs: number): void {
  response.end();
  const timer = setTimeout(() => response.destroy(), withinMs);
  response.once('close', () => clearTimeout(timer));
}

const tooManyStreams = (message: string): Problem => ({
  code: 'too-many-streams',
  message,
  kind: 'unavailable',
});

/** The process stops. */
export const stopping: Problem = {
  code: 'stopping',
  message: 'this gateway takes no more streams',
  kind: 'unavailable',
};
