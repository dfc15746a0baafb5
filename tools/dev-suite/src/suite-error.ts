/** The suite cannot start; the message is one sentence for the person at the terminal. */
export class SuiteError extends Error {
  override readonly name = 'SuiteError';
}
