/**
 * How many instances of a service may still be given up in this window for silence or a lost
 * connection. When most of them vanish at once, it is more likely that the way to them is broken
 * than that they are: then all but a share stay, and go in later windows if they are still silent.
 * One may always go.
 *
 * @param registered Instances of the service, those that were given up in this window included.
 * @param givenUp In this window so far.
 * @param share Of them that may go in one window, between 0 and 1.
 * @see Envoy, panic threshold; Netflix Eureka, self-preservation.
 */
export function expiryAllowance(registered: number, givenUp: number, share: number): number {
  const allowed = Math.max(1, Math.floor(registered * share));
  return Math.max(0, allowed - givenUp);
}
