/** Text of the form of `kubectl describe`: indented lines, cells separated by tabs and aligned like Go's tabwriter. */

const PADDING = 2;

/** Collects lines; `text()` aligns them. */
export class Indented {
  private readonly collected: string[] = [];

  /** Text that is not aligned with anything. */
  lines(...texts: readonly string[]): void {
    this.collected.push(...texts.map((text) => text.replaceAll('\t', '  ')));
  }

  /** Cells are joined by tabs; the last one is not padded. */
  row(level: number, ...cells: readonly string[]): void {
    this.collected.push(`${'  '.repeat(level)}${cells.join('\t')}`);
  }

  /** `Name:  value`, further values on lines of their own; `<none>` where there are none. */
  field(level: number, name: string, values: string | readonly string[]): void {
    const list = typeof values === 'string' ? [values] : values;
    this.row(level, `${name}:`, list[0] ?? '<none>');
    for (const value of list.slice(1)) this.row(level, '', value);
  }

  /** Rows under a title, with underlined headers; `<none>` where there are none. */
  table(level: number, title: string, headers: readonly string[], rows: readonly (readonly string[])[]): void {
    if (rows.length === 0) return this.row(level, `${title}:`, '<none>');
    this.row(level, `${title}:`);
    this.row(level + 1, ...headers);
    this.row(level + 1, ...headers.map((header) => '-'.repeat(header.length)));
    for (const row of rows) this.row(level + 1, ...row);
  }

  /** Ends with a newline. */
  text(): string {
    return alignTabs(this.collected);
  }
}

/** Elastic tab stops: a column is as wide as its widest cell in neighbouring lines that have that column. */
export function alignTabs(lines: readonly string[]): string {
  const rows = lines.map((line) => line.split('\t'));
  const columns = Math.max(0, ...rows.map((row) => row.length - 1));
  for (let column = 0; column < columns; column++) alignColumn(rows, column);
  return rows.map((row) => `${row.join('').trimEnd()}\n`).join('');
}

function alignColumn(rows: string[][], column: number): void {
  for (let start = 0; start < rows.length;) {
    let end = start;
    while (end < rows.length && hasColumn(rows[end], column)) end++;
    const block = rows.slice(start, end);
    const width = Math.max(0, ...block.map((row) => row[column]?.length ?? 0)) + PADDING;
    for (const row of block) row[column] = (row[column] ?? '').padEnd(width);
    start = end + 1;
  }
}

/** The last cell of a line belongs to no column. */
function hasColumn(row: readonly string[] | undefined, column: number): boolean {
  return row !== undefined && row.length - 1 > column;
}
