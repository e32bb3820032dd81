/** A measured figure beside its reference, and how it is judged. */

export interface Figure {
  /** Name of the measurement that it belongs to, for `--only`. */
  group: string;
  name: string;
  unit: string;
  value: number;
  /** Measured in the same run. */
  reference?: { name: string; value: number };
  /** `ratio`: value / reference must be at least or at most this; `value`: the value itself must be. */
  target?: { of: 'ratio' | 'value'; least?: number; most?: number };
  note?: string;
}

export interface Judged extends Figure {
  ratio?: number;
  /** Undefined: nothing is asked of it. */
  ok?: boolean;
}

export function judge(figure: Figure): Judged {
  const ratio = figure.reference && figure.value / figure.reference.value;
  const { target } = figure;
  if (!target) return { ...figure, ratio };
  const judged = target.of === 'ratio' ? ratio! : figure.value;
  const ok = judged >= (target.least ?? -Infinity) && judged <= (target.most ?? Infinity);
  return { ...figure, ratio, ok };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** @param share 0 … 1 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1 + (share === 0 ? 1 : 0))]!;
}

/** Three digits that count. */
export function shown(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en').replaceAll(',', ' ');
  return String(Number(value.toPrecision(3)));
}

function shownTarget({ target }: Figure): string {
  if (!target) return '';
  const bound = target.least === undefined ? `≤ ${shown(target.most)}` : `≥ ${shown(target.least)}`;
  return target.of === 'ratio' ? `${bound} ×` : bound;
}

/** Lines of a table; numbers to the right. */
export function table(figures: readonly Judged[]): string {
  const head = ['', 'value', '', 'reference', '', 'ratio', 'target', 'ok'];
  const rows = figures.map((one) => [
    one.name,
    shown(one.value),
    one.unit,
    shown(one.reference?.value),
    one.reference?.name ?? '',
    one.ratio === undefined ? '' : one.ratio.toFixed(2),
    shownTarget(one),
    one.ok === undefined ? '' : one.ok ? 'yes' : 'NO',
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const right = new Set([1, 3, 5, 6]);
  const line = (row: string[]): string =>
    row
      .map((cell, column) => (right.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  const notes = figures.filter(({ note }) => note !== undefined).map(({ name, note }) => `  ${name}: ${note}`);
  return [line(head), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line), ...notes].join('\n');
}
