import { asyncApi } from './asyncapi';
import { coveragePage } from './coverage-page';
import { messagesPage } from './messages';
import { openApi } from './openapi';

/** The generated files of `docs/`, by name. */
export const generatedFiles = (): Readonly<Record<string, string>> => ({
  'openapi.json': `${JSON.stringify(openApi(), null, 2)}\n`,
  'asyncapi.yaml': asyncApi(),
  'messages.md': messagesPage(),
  'api-coverage.md': coveragePage(),
});
