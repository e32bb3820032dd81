/**
 * What CPEs of one model and firmware have in common: types of parameters, names that they do not know, and how they take
 * booleans; and what single CPEs lack below their instances. In memory only.
 */
import type { DeviceId } from '../../src/management/operation.ts';
import { AbsentNames } from './absent-names.ts';

const maximumModels = 500;
const maximumNames = 20_000;

export interface Knowledge {
  /** xsi:type that the CPE gave; '' = never heard. */
  typeOf(name: string): string;
  /** The CPE has this name. */
  learnType(name: string, type: string): void;
  /** The CPE refused this name (quirk 21): its model does not have it; below an instance, the CPE itself does not. */
  learnUnknown(name: string): void;
  isUnknown(name: string): boolean;
  /** How it takes booleans; undefined = not tried yet (quirk 10). */
  readonly booleans: 'word' | 'digit' | undefined;
  learnBooleans(literals: 'word' | 'digit'): void;
}

export class KnowledgeBase {
  readonly #models = new Map<string, ModelKnowledge>();
  readonly #absent = new AbsentNames();

  /** @param model whatever tells the data model: OUI, product class, firmware */
  of(model: string, device: DeviceId): Knowledge {
    let found = this.#models.get(model);
    if (found) {
      // The one that was not used for the longest time is the first.
      this.#models.delete(model);
    } else {
      found = { types: new Map(), unknown: new Set(), booleans: undefined };
      if (this.#models.size >= maximumModels) this.#models.delete(this.#models.keys().next().value!);
    }
    this.#models.set(model, found);
    return knowledgeOf(found, this.#absent, device);
  }

  /** The device has started anew, or its objects have changed. `below`: only those below an object. */
  forget(device: DeviceId, below?: string): void {
    this.#absent.forget(device, below);
  }
}

interface ModelKnowledge {
  readonly types: Map<string, string>;
  readonly unknown: Set<string>;
  booleans: 'word' | 'digit' | undefined;
}

const instance = /\.(?:\d+|\[[^\]]*\])(?=\.)/g;

function knowledgeOf(model: ModelKnowledge, absent: AbsentNames, device: DeviceId): Knowledge {
  const { types, unknown } = model;
  const general = (name: string): string => name.replaceAll(instance, '.{i}');
  return {
    typeOf: (name) => types.get(general(name)) ?? '',
    learnType(name, type) {
      const key = general(name);
      if (key === name) unknown.delete(name);
      else absent.delete(device, name);
      // A type that is missing once does not undo what was known (quirk 6).
      if (type !== '' && (types.has(key) || types.size < maximumNames)) types.set(key, type);
    },
    learnUnknown(name) {
      if (general(name) !== name) absent.add(device, name);
      else if (unknown.size < maximumNames) unknown.add(name);
    },
    isUnknown: (name) => unknown.has(name) || absent.has(device, name),
    get booleans() {
      return model.booleans;
    },
    learnBooleans(literals) {
      model.booleans = literals;
    },
  };
}
