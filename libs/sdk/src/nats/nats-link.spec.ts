import { ErrorCode, NatsError } from 'nats';
import { NatsLink, NatsUnavailable } from './nats-link';
import { Pull } from './pull';

/** A link whose client is about to close: it is connected, and takes nothing any more. */
function draining(): NatsLink {
  const publish = (): never => {
    throw new NatsError('draining', ErrorCode.ConnectionDraining);
  };
  const link = new NatsLink({ natsUrl: 'nats://127.0.0.1:9', name: 'shop' });
  const current = { server_id: 's', client_id: 1 };
  return Object.assign(link, { connection: { publish }, isConnected: true, current });
}

describe('a link that is being closed', () => {
  it('is unavailable to whoever publishes', () =>
    expect(() => draining().publish('a', '')).toThrow(NatsUnavailable));

  it('is pulled from no more until the pull starts again', () => {
    const link = Object.assign(draining(), { hear: () => () => undefined });
    const asked = jest.spyOn(link, 'publish');
    const pull = new Pull({
      link,
      stream: 'message',
      consumer: 'c',
      room: () => 1,
      onMessage: () => undefined,
      onRefused: () => undefined,
      onTrouble: () => undefined,
    });
    pull.start();
    pull.pull();
    expect(asked).toHaveBeenCalledTimes(1);
    pull.start();
    expect(asked).toHaveBeenCalledTimes(2);
  });
});
