/** A figure of `/metrics`; labels narrow it down, what is left is added up. */
import type { ChildGateway } from '../support/child-gateway.ts';

export async function metricOf(
  gateway: ChildGateway,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const text = await (await fetch(`${gateway.urls.admin.replace(/\/$/, '')}/metrics`)).text();
  let sum = 0;
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match || match[1] !== name) continue;
    const has = Object.entries(labels).every(([label, value]) => match[2]?.includes(`${label}="${value}"`));
    if (has) sum += Number(match[3]);
  }
  return sum;
}
