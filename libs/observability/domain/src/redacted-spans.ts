import type { RecordedSpan, SpansOfResource } from './span';
import { withoutSecrets } from './without-secrets';

type Tags = NonNullable<RecordedSpan['tags']>;
type Tagged = { readonly tags?: Tags | undefined };

/** Spans as they may be kept, however they came: see {@link withoutSecrets}. */
export const redactedSpans = (resources: readonly SpansOfResource[]): SpansOfResource[] =>
  resources.map((resource) => ({
    ...redacted(resource),
    spans: resource.spans.map((span) => ({
      ...redacted(span),
      ...(span.logs && { logs: span.logs.map(redacted) }),
    })),
  }));

const redacted = <Holder extends Tagged>(holder: Holder): Holder =>
  holder.tags === undefined ? holder : { ...holder, tags: redactedTags(holder.tags) };

const redactedTags = (tags: Tags): Tags =>
  Object.fromEntries(
    Object.entries(tags).map(([name, value]) => [name, withoutSecrets(name, value)]),
  );
