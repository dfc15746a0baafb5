declare const brand: unique symbol;

/** A plain value that only its own kind fits: a run id is not a service id, though both are strings. */
export type Brand<Value, Name extends string> = Value & { readonly [brand]: Name };
