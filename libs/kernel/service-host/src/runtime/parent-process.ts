/** Tells whoever started this process where it listens, and ends with it. */
export function reportListening(url: string, end: () => void): void {
  if (!process.send) return;
  process.send({ type: 'listening', url });
  process.once('disconnect', end);
}
