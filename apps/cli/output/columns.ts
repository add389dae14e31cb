/** Aligned text columns, as kubectl prints them: three spaces between, the last column unpadded. */

const GAP = 3;

/** Keeps the widths that it has seen, so that rows of a watch line up with those before. */
export class Columns {
  private widths: number[] = [];

  /** Text of the rows, each ended by a newline. `style` may wrap a padded cell in colour. */
  render(rows: readonly (readonly string[])[], style: (text: string, row: number, column: number) => string = (text) => text): string {
    for (const row of rows)
      for (const [column, cell] of row.entries()) this.widths[column] = Math.max(this.widths[column] ?? 0, displayWidth(cell));
    return rows.map((row, index) => `${this.line(row, (text, column) => style(text, index, column))}\n`).join('');
  }

  private line(row: readonly string[], style: (text: string, column: number) => string): string {
    return row
      .map((cell, column) => {
        const isLast = column === row.length - 1;
        const gap = isLast ? '' : ' '.repeat((this.widths[column] ?? 0) - displayWidth(cell) + GAP);
        return style(cell, column) + gap;
      })
      .join('');
  }
}

export function renderColumns(rows: readonly (readonly string[])[], style?: (text: string, row: number, column: number) => string): string {
  return new Columns().render(rows, style);
}

/** Code points; wide East Asian characters do not occur in names, which are ASCII. */
function displayWidth(text: string): number {
  return text.replaceAll(/[\uDC00-\uDFFF]/g, '').length;
}
