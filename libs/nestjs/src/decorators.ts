import type {
  BroadcastInfo,
  CallInfo,
  DownbeatService,
  MessageInfo,
  Operation,
  SubscribeOptions,
  Topic,
} from '@downbeat/sdk';
import type { z } from 'zod';

/** What a method is for: given the service and the method, bound to its provider, it does the rest. */
export type Enlist = (service: DownbeatService, method: (...values: never[]) => unknown) => void;

const ENLISTED = Symbol('downbeat:handles');

type Decorated<Method> = TypedPropertyDescriptor<Method>;
type Marker<Handle> = <Method extends Handle>(
  target: object,
  key: string | symbol,
  descriptor: Decorated<Method>,
) => void;

const mark =
  (enlist: Enlist) =>
  (_: object, __: string | symbol, { value }: { readonly value?: unknown }): void => {
    if (typeof value !== 'function') throw new TypeError('only methods handle something');
    Reflect.defineMetadata(ENLISTED, [...enlistmentsOf(value), enlist], value);
  };

/** What a method was decorated with. */
export const enlistmentsOf = (method: object): readonly Enlist[] =>
  (Reflect.getMetadata(ENLISTED, method) as readonly Enlist[] | undefined) ?? [];

/** The method answers an operation of this service. What it throws and returns is as for `service.handle`. */
export const HandlesOperation = <Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
): Marker<(input: z.output<Input>, call: CallInfo) => Promise<z.input<Output>> | z.input<Output>> =>
  mark((service, method) => void service.handle(operation, method as never));

/** The method handles the messages of a topic: at least once each, and again until it has ended well. */
export const HandlesMessage = <Schema extends z.ZodType>(
  topic: Topic<Schema>,
  options?: SubscribeOptions,
): Marker<(message: z.output<Schema>, info: MessageInfo) => Promise<void> | void> =>
  mark((service, method) => void service.subscribe(topic, method as never, options));

/** The method hears each broadcast of a topic from the start of the application on. */
export const HandlesBroadcast = <Schema extends z.ZodType>(
  topic: Topic<Schema>,
): Marker<(message: z.output<Schema>, info: BroadcastInfo) => Promise<void> | void> =>
  mark((service, method) => void service.onBroadcast(topic, method as never));
