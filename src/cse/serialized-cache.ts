/** JSON text of resources, keyed by resource ID and version, bounded by the number of characters it holds. */
import { SerializedContent } from '../onem2m/primitive.ts';
import type { Resource } from '../onem2m/resource.ts';

interface Entry {
  /** The very object that was serialized: a newer version is another object. */
  resource: Resource;
  content: SerializedContent;
}

export class SerializedCache {
  readonly #entries = new Map<string, Entry>();
  readonly #limit: number;
  #characters = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get characters(): number {
    return this.#characters;
  }

  /** The text of this version, made by `serialize` when it is not there. */
  of(resource: Resource, serialize: (resource: Resource) => string): SerializedContent {
    const kept = this.#entries.get(resource.resourceID);
    if (kept?.resource === resource) {
      if (this.#characters * 2 > this.#limit) {
        this.#entries.delete(resource.resourceID);
        this.#entries.set(resource.resourceID, kept);
      }
      return kept.content;
    }
    const content = new SerializedContent(serialize(resource));
    this.forget(resource.resourceID);
    if (content.text.length > this.#limit / 16) return content;
    this.#entries.set(resource.resourceID, { resource, content });
    this.#characters += content.text.length;
    this.#makeRoom();
    return content;
  }

  forget(resourceID: string): void {
    const kept = this.#entries.get(resourceID);
    if (!kept) return;
    this.#entries.delete(resourceID);
    this.#characters -= kept.content.text.length;
  }

  #makeRoom(): void {
    for (const [resourceID, entry] of this.#entries) {
      if (this.#characters <= this.#limit) return;
      this.#entries.delete(resourceID);
      this.#characters -= entry.content.text.length;
    }
  }
}
