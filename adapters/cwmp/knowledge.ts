/**
 * What CPEs of one model and firmware have in common: types of parameters, names that they do not know, and how they take
 * booleans. In memory only.
 */

const maximumModels = 500;
const maximumNames = 20_000;

export interface Knowledge {
  /** xsi:type that the CPE gave; '' = never heard. */
  typeOf(name: string): string;
  learnType(name: string, type: string): void;
  /** The model refused this name. Instances come and go, so only names without instance numbers are remembered (quirk 21). */
  learnUnknown(name: string): void;
  isUnknown(name: string): boolean;
  /** How it takes booleans; undefined = not tried yet (quirk 10). */
  readonly booleans: 'word' | 'digit' | undefined;
  learnBooleans(literals: 'word' | 'digit'): void;
}

export class KnowledgeBase {
  readonly #models = new Map<string, Knowledge>();

  /** @param model whatever tells the data model: OUI, product class, firmware */
  of(model: string): Knowledge {
    let found = this.#models.get(model);
    if (found) {
      // The one that was not used for the longest time is the first.
      this.#models.delete(model);
    } else {
      found = createKnowledge();
      if (this.#models.size >= maximumModels) this.#models.delete(this.#models.keys().next().value!);
    }
    this.#models.set(model, found);
    return found;
  }
}

const instance = /\.(?:\d+|\[[^\]]*\])(?=\.)/g;

function createKnowledge(): Knowledge {
  const types = new Map<string, string>();
  const unknown = new Set<string>();
  let booleans: 'word' | 'digit' | undefined;
  const general = (name: string): string => name.replaceAll(instance, '.{i}');
  return {
    typeOf: (name) => types.get(general(name)) ?? '',
    learnType(name, type) {
      const key = general(name);
      // A type that is missing once does not undo what was known (quirk 6).
      if (type !== '' && (types.has(key) || types.size < maximumNames)) types.set(key, type);
    },
    learnUnknown(name) {
      if (general(name) === name && unknown.size < maximumNames) unknown.add(name);
    },
    isUnknown: (name) => unknown.has(name),
    get booleans() {
      return booleans;
    },
    learnBooleans(literals) {
      booleans = literals;
    },
  };
}
