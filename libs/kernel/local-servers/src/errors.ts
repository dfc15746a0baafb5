/**
 * A server could not be started. The message is one sentence for the person at the terminal. Has
 * the shape of a `Fault`, but stands alone: this library depends on nothing, so that the test
 * runner can load it from source before anything is built.
 */
export abstract class LocalServerError extends Error {
  /** `local-servers/<what-happened>`. */
  abstract readonly code: string;
  /** `retry`: the same call may succeed later. `give-up`: not before somebody has changed something. */
  abstract readonly remedy: 'retry' | 'give-up';
}

/** Something else listens on the port that was asked for. */
export class PortInUse extends LocalServerError {
  override readonly name = 'PortInUse';
  readonly code = 'local-servers/port-in-use';
  readonly remedy = 'retry';

  constructor(
    readonly server: string,
    readonly port: number,
  ) {
    super(`${server} cannot listen on 127.0.0.1:${port} because another process does`);
  }
}

/** The program is not on this machine and could not be put there. */
export class BinaryMissing extends LocalServerError {
  override readonly name = 'BinaryMissing';
  readonly code = 'local-servers/binary-missing';
  readonly remedy = 'give-up';

  constructor(
    readonly binary: string,
    /** What was tried and what to do, as a clause: `it is not on the PATH; install it with ...`. */
    remedyClause: string,
    options?: ErrorOptions,
  ) {
    super(`${binary} cannot be run: ${remedyClause}`, options);
  }
}

/** The disk of the data directory is full, or nearly so. */
export class DiskFull extends LocalServerError {
  override readonly name = 'DiskFull';
  readonly code = 'local-servers/disk-full';
  readonly remedy = 'give-up';

  constructor(
    readonly server: string,
    readonly directory: string,
    options?: ErrorOptions,
  ) {
    super(`${server} needs more free disk space than there is at ${directory}`, options);
  }
}

/** The data directory cannot be created, or nothing can be written in it. */
export class DataDirNotWritable extends LocalServerError {
  override readonly name = 'DataDirNotWritable';
  readonly code = 'local-servers/data-dir-not-writable';
  readonly remedy = 'give-up';

  constructor(
    readonly directory: string,
    options?: ErrorOptions,
  ) {
    super(`the data directory ${directory} cannot be written`, options);
  }
}

/** Another server process runs on the same data. */
export class DataDirInUse extends LocalServerError {
  override readonly name = 'DataDirInUse';
  readonly code = 'local-servers/data-dir-in-use';
  readonly remedy = 'retry';

  constructor(
    readonly server: string,
    readonly directory: string,
    readonly pid: number,
  ) {
    super(`another ${server} (process ${pid}) runs on ${directory}`);
  }
}

/** The server ended while starting, or did not answer in time. */
export class ServerNotStarted extends LocalServerError {
  override readonly name = 'ServerNotStarted';
  readonly code = 'local-servers/server-not-started';
  readonly remedy = 'retry';

  constructor(
    readonly server: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${server} did not start: ${reason}`, options);
  }
}
