import { headers, type MsgHdrs } from 'nats';
import type { CommandOutcome } from '../command-outcome';
import type { Delivery } from '../message-bus';
import type { NatsMessageBus } from '../nats/nats-message-bus';
import type { Settlement } from '../settlement';
import type { NatsBench } from './nats-bench';

/** The command that a test sends, and what is said of it. */
export const REGISTER = 'command.registry.RegisterService.billing';

export const accepted = (position: number, repeated = false): CommandOutcome => ({
  accepted: true,
  position,
  answer: {},
  repeated,
});

/** A handler whose deliveries wait until the test settles them. */
export function held() {
  const open: { delivery: Delivery; settle: (settlement: Settlement) => void }[] = [];
  return {
    open,
    handle: (delivery: Delivery) =>
      new Promise<Settlement>((settle) => open.push({ delivery, settle })),
  };
}

export const subscribeToCommands = (
  bus: NatsMessageBus,
  handle: (delivery: Delivery) => Promise<Settlement>,
  more: { inFlightMax?: number; orderKey?: () => string } = {},
): Promise<void> =>
  bus.subscribe({ durable: 'registry-commands', subject: 'command.registry.>', handle, ...more });

/** A bare request. */
export const askToRegister = async (
  bench: NatsBench,
  text: string,
): Promise<Readonly<Record<string, unknown>>> => {
  const answer = await bench.client.request(bench.physical(REGISTER), text, { timeout: 30_000 });
  return answer.json<Record<string, unknown>>();
};

export function idHeaders(id: string): MsgHdrs {
  const values = headers();
  values.set('Nats-Msg-Id', id);
  return values;
}
