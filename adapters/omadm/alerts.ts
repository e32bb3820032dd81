/** Generic alerts (1226) as reports: one for each item (OMA DM RepPro 1.2.1, 6.5.1.5). */
import type { Report } from './completions.ts';
import { plainPath } from './paths.ts';
import { readResultCode } from './result-codes.ts';
import type { Alert, Data, Item } from './syncml/message.ts';

const generic = 1226;
const maximumItems = 100;

export function reportsIn(alert: Alert, items: readonly Item[]): Report[] {
  if (alert.code !== generic) return [];
  return items.slice(0, maximumItems).map((item) => {
    const meta = { ...alert.meta, ...item.meta };
    const data = textOf(item.data, meta.format);
    return {
      type: meta.type?.trim() ?? '',
      correlator: alert.correlator?.trim() ?? '',
      source: item.source ? plainPath(item.source.trim()) : '',
      data,
      code: readResultCode(data),
    };
  });
}

function textOf(data: Data | undefined, format: string | undefined): string {
  if (data === undefined) return '';
  const text = typeof data === 'string' ? data : 'markup' in data ? data.markup : Buffer.from(data).toString('utf8');
  const plain = format === 'b64' && typeof data === 'string' ? Buffer.from(text, 'base64').toString('utf8') : text;
  return plain.replace(/\0+$/, '');
}
