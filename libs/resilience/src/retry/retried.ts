import type { Retrier, RetryOptions } from './retrier';

type Method<This, Args extends unknown[], Result> = (this: This, ...args: Args) => Promise<Result>;

/**
 * A method whose calls are made again when that may help:
 *
 *     @Retried((stock: Stock) => stock.retrier, { isRepeatable: true })
 *     async find(id: string): Promise<Item> { ... }
 *
 * @param retrierOf Where the object has its retrier: clock and chance are its own.
 * @param options The same for all calls, or made of the arguments of each, as for a deadline.
 */
export function Retried<This, Args extends unknown[]>(
  retrierOf: (self: This) => Retrier,
  options: RetryOptions | ((...args: Args) => RetryOptions) = {},
) {
  return <Result>(
    _target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method<This, Args, Result>>,
  ): void => {
    const method = descriptor.value;
    if (!method) throw new TypeError(`${String(key)} is no method`);
    descriptor.value = function (...args) {
      const own = typeof options === 'function' ? options(...args) : options;
      return retrierOf(this).run(() => method.apply(this, args), own);
    };
  };
}
