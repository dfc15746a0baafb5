import {
  auditContract,
  messagingContract,
  registryContract,
  workflowStep,
} from '@downbeat/contracts';
import { z } from 'zod';

/** A JSON Schema, draft 2020-12. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

/** Schemas that are worth a name; the others stand where they are used. */
const named = z.registry<{ id: string }>();
named.add(workflowStep, { id: 'WorkflowStep' });
named.add(auditContract.storedEvent, { id: 'StoredEvent' });
named.add(auditContract.storedEvent.shape.data, { id: 'Json' });
named.add(messagingContract.deadLetter, { id: 'DeadLetter' });
named.add(registryContract.service, { id: 'Service' });
named.add(registryContract.instance, { id: 'Instance' });
named.add(registryContract.target, { id: 'Target' });

/** Formats that say more to a reader than the pattern zod writes beside them. */
const TELLING_FORMATS = ['date-time', 'ipv4', 'ipv6', 'uuid'];

/** JSON Schemas of zod's, with the named ones collected in one place. */
export class SchemaBook {
  readonly schemas: Record<string, JsonSchema> = {};

  /** @param home Where `schemas` will stand in the document: `#/components/schemas/`. */
  constructor(private readonly home: string) {}

  /** What may be sent. */
  input(schema: z.ZodType): JsonSchema {
    return this.convert(schema, 'input');
  }

  /** What is answered. */
  output(schema: z.ZodType): JsonSchema {
    return this.convert(schema, 'output');
  }

  private convert(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const {
      $schema: _,
      $defs,
      ...root
    } = z.toJSONSchema(schema, {
      io,
      metadata: named,
      override: ({ jsonSchema }) => simplify(jsonSchema, io),
    });
    for (const [name, definition] of Object.entries($defs ?? {}))
      this.add(name, this.moved(definition));
    return this.moved(root);
  }

  private add(name: string, definition: JsonSchema): void {
    const known = this.schemas[name];
    if (known && JSON.stringify(known) !== JSON.stringify(definition))
      throw new RangeError(`${name} would stand for two different schemas`);
    this.schemas[name] = definition;
  }

  private moved(schema: unknown): JsonSchema {
    return JSON.parse(
      JSON.stringify(schema).replaceAll('"#/$defs/', `"${this.home}`),
    ) as JsonSchema;
  }
}

function simplify(schema: z.core.JSONSchema.BaseSchema, io: 'input' | 'output'): void {
  if (schema.format && TELLING_FORMATS.includes(schema.format)) delete schema.pattern;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  // An answer may gain fields later; only what is sent to the suite is closed.
  if (io === 'output' && schema.additionalProperties === false) delete schema.additionalProperties;
}
