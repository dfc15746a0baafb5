/** Bytes of an answer, about; undefined: nobody can tell. */
export function sizeOfAnswer(answer: unknown): number | undefined {
  if (typeof answer === 'string') return 2 * answer.length;
  if (ArrayBuffer.isView(answer) || answer instanceof ArrayBuffer) return answer.byteLength;
  try {
    return 2 * (JSON.stringify(answer)?.length ?? 4);
  } catch (fault) {
    // Circular, or has a number that JSON knows nothing of.
    if (fault instanceof TypeError) return undefined;
    throw fault;
  }
}
