/** Microseconds since 1970 as ISO 8601 with six digits. */
export function isoOf(us: number): string {
  const whole = new Date(Math.floor(us / 1_000)).toISOString();
  return us % 1_000 === 0 ? whole : whole.replace('Z', `${String(us % 1_000).padStart(3, '0')}Z`);
}
