/** Something went wrong that no business rule foresaw. Thrown, never returned. */
export abstract class Fault extends Error {
  /** `<library>/<what-happened>`. Part of the public interface, like a type name. */
  abstract readonly code: string;
  /** `retry`: the same call may succeed later. `give-up`: it never will. */
  abstract readonly remedy: 'retry' | 'give-up';
}
