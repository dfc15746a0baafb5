import { inspect } from 'node:util';
import { z } from 'zod';

const HIDDEN = '***';

/**
 * A value that shows itself to nobody but who asks for it by `reveal()`: not to logs, JSON, templates,
 * `console.log`, `structuredClone` or the debugger's list of properties.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return `Secret(${HIDDEN})`;
  }
}

/** In the schema of a configuration: a value that is secret. Of a default it may be given as text. */
export const secret = () =>
  z.union([z.instanceof(Secret), z.string().transform((value) => new Secret(value))]);
