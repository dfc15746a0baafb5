/** Where the bus writes what an operator should know. Pino's and Nest's loggers are easily put behind it. */
export interface BusLog {
  info(message: string, details: Readonly<Record<string, unknown>>): void;
  warn(message: string, details: Readonly<Record<string, unknown>>): void;
  error(message: string, details: Readonly<Record<string, unknown>>): void;
}

/** Writes nothing. */
export const silentLog: BusLog = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
