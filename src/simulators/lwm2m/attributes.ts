import { formatPath, Refusal } from './value.ts';

/** The attributes that a server can write (TS Core 5.1.2), by name; pmin, pmax, epmin, epmax in seconds. */
export type Attributes = Partial<Record<AttributeName, number>>;
type AttributeName = 'pmin' | 'pmax' | 'gt' | 'lt' | 'st' | 'epmin' | 'epmax' | 'edge' | 'con' | 'hqmax';

const names: readonly AttributeName[] = ['pmin', 'pmax', 'gt', 'lt', 'st', 'epmin', 'epmax', 'edge', 'con', 'hqmax'];
const ofResources: readonly AttributeName[] = ['gt', 'lt', 'st', 'edge'];

/** What was written by Write-Attributes, by path; read with inheritance: resource before instance before object. */
export class AttributeTable {
  readonly #table = new Map<string, Attributes>();

  clear(): void {
    this.#table.clear();
  }

  at(path: readonly number[]): Attributes {
    return this.#table.get(formatPath(path)) ?? {};
  }

  effective(path: readonly number[]): Attributes {
    return path.reduce(
      (inherited, _, length): Attributes => ({ ...inherited, ...this.at(path.slice(0, length + 1)) }),
      {},
    );
  }

  /** `?pmin=1&pmax` sets pmin and unsets pmax. Throws a Refusal 4.02 for an attribute that it does not know or that does not fit. */
  write(path: readonly number[], query: string[]): void {
    const next: Attributes = { ...this.at(path) };
    for (const parameter of query) {
      const [name, text] = parameter.split('=', 2);
      const known = names.find((candidate) => candidate === name);
      if (!known) throw new Refusal('4.02', `the attribute ${parameter} is not known`);
      if (ofResources.includes(known) && path.length < 3) throw new Refusal('4.02', `${known} belongs on a resource`);
      if (text === undefined) {
        delete next[known];
        continue;
      }
      const value = Number(text);
      if (text === '' || !Number.isFinite(value)) throw new Refusal('4.02', `${parameter} is not a number`);
      if (!ofResources.includes(known) && (!Number.isInteger(value) || value < 0)) {
        throw new Refusal('4.02', `${parameter} is not a whole number`);
      }
      next[known] = value;
    }
    if (next.st !== undefined && next.st <= 0) throw new Refusal('4.02', 'st must be greater than 0');
    if (next.lt !== undefined && next.gt !== undefined && next.lt + 2 * (next.st ?? 0) >= next.gt) {
      throw new Refusal('4.02', 'lt + 2·st must be less than gt');
    }
    this.#table.set(formatPath(path), next);
  }
}
