import { connect } from 'nats';

/** Deletes the streams a prefix has on a server, with their consumers: the end of a test. */
export async function removeStreams(url: string, prefix: string): Promise<void> {
  if (prefix === '') throw new RangeError('without a prefix every stream would go');
  const nats = await connect({ servers: url, timeout: 30_000 });
  try {
    const manager = await nats.jetstreamManager({ checkAPI: false, timeout: 30_000 });
    for await (const name of manager.streams.names())
      if (name.startsWith(`${prefix}-`)) await manager.streams.delete(name);
  } finally {
    await nats.close();
  }
}
