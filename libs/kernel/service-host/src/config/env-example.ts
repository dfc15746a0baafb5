import { z } from 'zod';

export interface EnvSection {
  readonly title: string;
  readonly settings: z.ZodObject;
}

/**
 * The text of an `.env.example`: each setting with what it is for and what it must be. What has a
 * default is commented out with it, what must be set is there and empty.
 */
export function envExample(sections: readonly EnvSection[]): string {
  return sections.map(sectionText).join('\n');
}

function sectionText({ title, settings }: EnvSection): string {
  const { properties = {}, required = [] } = z.toJSONSchema(settings, {
    io: 'input',
    unrepresentable: 'any',
  }) as JsonSchema;
  const lines = Object.entries(properties).map(([key, property]) => {
    const about = [property.description, boundsOf(property)].filter(Boolean).join('; ');
    const isRequired = required.includes(key);
    const line = `${isRequired ? '' : '# '}${key}=${property.default ?? ''}`;
    return `${about === '' ? '' : `# ${about}\n`}${line}\n`;
  });
  return `# --- ${title} ---\n\n${lines.join('\n')}`;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
}

interface Property {
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

function boundsOf({ enum: choices, minimum, maximum }: Property): string {
  if (choices) return `one of ${choices.join(', ')}`;
  return minimum === undefined || maximum === undefined ? '' : `${minimum} to ${maximum}`;
}
