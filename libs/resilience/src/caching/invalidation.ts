/** Which entries are not true any more. */
export type Invalidation =
  { readonly key: string } | { readonly prefix: string } | { readonly tag: string };

export function isMeant(what: Invalidation, key: string, tags: readonly string[]): boolean {
  if ('key' in what) return key === what.key;
  if ('tag' in what) return tags.includes(what.tag);
  return key.startsWith(what.prefix);
}
