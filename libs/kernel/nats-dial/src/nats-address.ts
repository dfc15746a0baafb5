/** Who one is beside what the URL says, and whom one trusts. Paths of files. */
export interface NatsIdentity {
  /** PEM: the authorities to trust, instead of those that the system does. */
  readonly caFile?: string;
  /** PEM: the certificate to show, and its key. Both or neither. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** A user's JWT and seed, as `nsc` writes them. */
  readonly credsFile?: string;
  /** The seed of a user's nkey: `SU…`. */
  readonly nkeyFile?: string;
  /** Below which answers come. Default: `_INBOX.<user>`, or `_INBOX` when there is no user. */
  readonly inboxPrefix?: string;
}

export interface NatsAddress extends NatsIdentity {
  /**
   * `nats://user:password@host:4222`, `nats://token@host` or `tls://…`; several separated by commas, the
   * first one's user is everyone's.
   */
  readonly url: string;
}

/** An address or identity that nobody can dial with. What it says holds no password. */
export class InvalidNatsAddress extends Error {
  override readonly name = 'InvalidNatsAddress';
  readonly code = 'nats-dial/invalid-address';
}
