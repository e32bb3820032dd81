/** Which profiles a device matches. */
import type { Inventory } from './adapter.ts';
import type { ProfileTree } from './mapping-tree.ts';

/** Every condition of the profile holds. A condition on something that the device did not tell does not hold. */
export function profileMatches(
  match: ProfileTree['match'],
  device: { technology: string; inventory: Inventory },
): boolean {
  const { inventory } = device;
  const has = match.has;
  return (
    match.technology === device.technology &&
    matchesPattern(match.manufacturer, inventory.manufacturer) &&
    matchesPattern(match.model, inventory.model) &&
    matchesPattern(match.productClass, inventory.productClass) &&
    [match.softwareVersion ?? []].flat().every((condition) => versionMatches(condition, inventory.softwareVersion)) &&
    (has === undefined || inventory.objects.some((object) => object.path.startsWith(has)))
  );
}

/**
 * `<2.4`, `<=2.4`, `>2.4`, `>=2.4`, `=2.4` or `2.4`. Versions are compared part by part, numbers as numbers: 2.10 comes
 * after 2.9, and 2.4 equals 2.4.0.
 */
export function versionMatches(condition: string, version: string | undefined): boolean {
  if (version === undefined) return false;
  const [, operator = '', wanted = ''] = /^(<=|>=|<|>|=)?(.*)$/.exec(condition) ?? [];
  const order = compareVersions(version, wanted);
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    default:
      return order === 0;
  }
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [one, other] = [left[index] ?? '0', right[index] ?? '0'];
    const numbers = /^\d+$/.test(one) && /^\d+$/.test(other);
    const order = numbers ? Number(one) - Number(other) : one < other ? -1 : one > other ? 1 : 0;
    if (order !== 0) return order;
  }
  return 0;
}

function partsOf(version: string): string[] {
  return version
    .trim()
    .replace(/^v(?=\d)/i, '')
    .split(/[.\-_+ ]/);
}

/** `*` stands for anything; case counts. */
function matchesPattern(pattern: string | undefined, text: string | undefined): boolean {
  if (pattern === undefined) return true;
  if (text === undefined) return false;
  const parts = pattern.split('*');
  const [first = ''] = parts;
  if (parts.length === 1) return text === first;
  const last = parts.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let position = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, position);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    position = found + part.length;
  }
  return true;
}
