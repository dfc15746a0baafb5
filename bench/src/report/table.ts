import { isReached, spaced, targetText, type Figure } from './figure';

const TITLES = ['part', 'figure', 'median', 'spread', 'unit', 'target', ''] as const;

/** Rows of text, a figure each: part, name, median, spread, unit, target, and whether it is reached. */
export const rowsOf = (figures: readonly Figure[]): readonly (readonly string[])[] =>
  figures.map((one) => [
    one.part,
    one.name,
    spaced(one.median),
    one.rounds === 1 ? '' : `${spaced(one.min)} to ${spaced(one.max)}`,
    one.unit,
    one.target ? targetText(one.target) : '',
    one.target ? (isReached(one) ? 'reached' : 'missed') : '',
  ]);

/** For a terminal. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = [[...TITLES], ...rowsOf(figures)];
  const widths = TITLES.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const isNumber = (column: number) => column === 2 || column === 3;
  return rows
    .map((row) =>
      row
        .map((text, column) =>
          isNumber(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
