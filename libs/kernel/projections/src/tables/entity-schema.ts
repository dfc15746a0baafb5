import { EntitySchema, type EntitySchemaColumnOptions, type ValueTransformer } from 'typeorm';
import type { ColumnType, Row, Table } from '../projection';
import { shapeOf } from './table-shape';
import { columnType } from './definition';

/** The entity of a table, found by `manager.getRepository(table.name)`. Its rows have the shape of `Row`. */
export function entityOf(table: Table): EntitySchema<Row> {
  const columns: Record<string, EntitySchemaColumnOptions> = {};
  for (const { name, kind, isNullable } of shapeOf(table).columns) {
    const transformer = transformers[columnType(table.columns[name] ?? 'text')];
    columns[name] = {
      type: kind.entity,
      nullable: isNullable,
      ...(name === table.key && { primary: true }),
      ...(transformer && { transformer }),
    };
  }
  return new EntitySchema<Row>({ name: table.name, tableName: table.name, columns });
}

const transformers: Partial<Record<ColumnType, ValueTransformer>> = {
  bigint: {
    to: (value: unknown) => value,
    from: (value: unknown) => (value === null ? null : Number(value)),
  },
  instant: {
    to: (value: unknown) => value,
    from: (value: unknown) => (value instanceof Date ? value.toISOString() : value),
  },
};
