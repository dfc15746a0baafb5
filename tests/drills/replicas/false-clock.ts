import { existsSync } from 'node:fs';

/** Where Debian's package puts it, on the machines it knows. */
const LIBRARIES = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`,
);
/** How far the wall clock of a process with a false clock may be off what was wanted. */
const TOLERANCE_MS = 60_000;

/** The environment of a process whose wall clock is `hours` wrong; the monotonic one is true. */
export function falseClock(hours: number): Readonly<Record<string, string>> {
  const library = LIBRARIES.find((path) => existsSync(path));
  if (library === undefined)
    throw new Error(
      'this drill needs libfaketime, for a clock that is wrong: apt-get install faketime. To drill without it say --clocks true.',
    );
  return {
    LD_PRELOAD: library,
    FAKETIME: `${hours < 0 ? '-' : '+'}${Math.abs(hours)}h`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

/** Whether the wall clock of the process that listens at `url` is as wrong as it should be; says so if not. */
export async function clockAsWanted(url: string, hours: number): Promise<readonly string[]> {
  const answer = await fetch(`${url}/health/live`);
  const wrongMs = Date.parse(answer.headers.get('date') ?? '') - Date.now();
  const isAsWanted = Math.abs(wrongMs - hours * 3_600_000) < TOLERANCE_MS;
  return isAsWanted ? [] : [`a clock should be ${hours} h wrong, and is ${wrongMs} ms`];
}
