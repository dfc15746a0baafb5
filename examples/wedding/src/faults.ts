/**
 * What can be made to go wrong with a call:
 * `fail` an error answer without the effect; `fail-after` an error answer after the effect;
 * `delay` an answer that comes late; `hang` no effect and no answer; `hang-after` the effect and
 * no answer; `drop-before` the connection breaks without the effect; `drop` it breaks after the
 * effect; `duplicate` the call arrives twice.
 */
export const FAULT_MODES = [
  'fail',
  'fail-after',
  'delay',
  'hang',
  'hang-after',
  'drop',
  'drop-before',
  'duplicate',
] as const;
export type FaultMode = (typeof FAULT_MODES)[number];

export interface Fault {
  /** A path: `/holds`, `/health`. */
  readonly operation: string;
  readonly mode: FaultMode;
  /** Of `fail` and `fail-after`. */
  readonly status: number;
  readonly delay_ms: number;
  readonly retry_after_seconds?: number;
  /** Only calls for this booking. */
  readonly booking_id?: string;
}

const COUNT_MAX = 1_000_000;
const FAULTS_MAX = 1_000;

/** Faults that wait for their calls, in the order in which they were planted. In memory only. */
export class PlantedFaults {
  private planted: { readonly fault: Fault; left: number }[] = [];

  /** @returns What is wrong with the request, or undefined when the fault is planted. */
  plant(request: Readonly<Record<string, unknown>>): string | undefined {
    const fault = readFault(request);
    const count = request['count'] ?? 1;
    if (typeof fault === 'string') return fault;
    if (!isWhole(count, 1, COUNT_MAX)) return `count must be a whole number from 1 to ${COUNT_MAX}`;
    if (this.planted.length >= FAULTS_MAX) return `${FAULTS_MAX} faults are planted already`;
    this.planted.push({ fault, left: count });
    return undefined;
  }

  /** Takes the next fault for a call; each is taken as often as it was planted for. */
  take(operation: string, bookingId: string): Fault | undefined {
    const found = this.planted.find(
      ({ fault }) =>
        fault.operation === operation &&
        (fault.booking_id === undefined || fault.booking_id === bookingId),
    );
    if (!found) return undefined;
    if (--found.left === 0) this.planted = this.planted.filter((planted) => planted !== found);
    return found.fault;
  }

  list(): readonly (Fault & { readonly left: number })[] {
    return this.planted.map(({ fault, left }) => ({ ...fault, left }));
  }

  clear(): void {
    this.planted = [];
  }
}

/** @returns The fault, or what is wrong with the request. */
export function readFault(request: Readonly<Record<string, unknown>>): Fault | string {
  const { operation, booking_id } = request;
  const { status = 503, delay_ms = 1_000, retry_after_seconds } = request;
  const mode = FAULT_MODES.find((known) => known === request['mode']);
  if (typeof operation !== 'string') return 'operation must be a path';
  if (mode === undefined) return `mode must be one of ${FAULT_MODES.join(', ')}`;
  if (!isWhole(status, 400, 599)) return 'status must be from 400 to 599';
  if (!isWhole(delay_ms, 0, 600_000)) return 'delay_ms must be from 0 to 600000';
  return {
    operation,
    mode,
    status,
    delay_ms,
    ...(isWhole(retry_after_seconds, 0, 3_600) && { retry_after_seconds }),
    ...(typeof booking_id === 'string' && { booking_id }),
  };
}

const isWhole = (value: unknown, min: number, max: number): value is number =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
