/** Which other replica has room for a new run, as far as this one has heard. */
export abstract class RoomElsewhere {
  /** @returns The process with the most room, one place of which counts as taken; undefined: none has any. */
  abstract take(): string | undefined;
}
