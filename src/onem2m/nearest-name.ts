/** Words of the sentences of a refusal: articles, and "did you mean" with the nearest of a list of names. */
interface Named {
  name: string;
  shortName: string;
}

/** Number of single-character changes between two words, or `limit + 1` when it is more. */
export function distance(first: string, second: string, limit: number): number {
  if (Math.abs(first.length - second.length) > limit) return limit + 1;
  let previous = Array.from({ length: second.length + 1 }, (_, index) => index);
  for (let row = 1; row <= first.length; row++) {
    const current = [row];
    for (let column = 1; column <= second.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (first[row - 1] === second[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return Math.min(previous[second.length] ?? 0, limit + 1);
}

/** ` that it does not have; …` with what the requester probably meant: the short name of a long one, or the nearest. */
export function hintFor(wanted: string, known: readonly Named[]): string {
  const unknown = ' that it does not have';
  if (wanted.length > 64) return unknown;
  const lower = wanted.toLowerCase();
  const byLongName = known.find((one) => one.name.toLowerCase() === lower);
  if (byLongName) return `${unknown}; on the wire ${byLongName.name} is called '${byLongName.shortName}'`;
  let best: Named | undefined;
  let bestDistance = 3;
  for (const one of known) {
    const near = Math.min(
      distance(lower, one.shortName.toLowerCase(), Math.min(2, one.shortName.length - 1)) +
        (one.shortName.length === lower.length ? 0 : 0.5),
      lower.length > 4 ? distance(lower, one.name.toLowerCase(), 2) : 3,
    );
    if (near < bestDistance && near < Math.max(one.shortName.length, 2)) {
      best = one;
      bestDistance = near;
    }
  }
  return best ? `${unknown}; did you mean '${best.shortName}' (${best.name})?` : unknown;
}

/** `an AE`, `a node`. */
export function withArticle(name: string): string {
  return `${/^[AEIOaeio]/.test(name) ? 'an' : 'a'} ${name}`;
}
