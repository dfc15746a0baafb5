/** A part of a definition before the contract has looked at it. */
export type Loose = Readonly<Record<string, unknown>>;
