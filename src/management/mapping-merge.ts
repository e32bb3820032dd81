/** A profile over a class: bindings are replaced, names, types and multiplicities of attributes never are. */
import type { AttributeTree, ClassTree, ObjectsTree, ObjectTree, ProfileClassTree } from './mapping-tree.ts';
import { technologies } from './mapping-types.ts';

/**
 * A new tree: objects are merged key by key (`path` and `kinds` replace each other), the row of an attribute on a leg is
 * replaced as a whole. Attributes and objects that the class does not have are reported.
 */
export function mergeProfile(
  base: ClassTree,
  profile: ProfileClassTree,
  report: (path: string[], problem: string) => void,
): ClassTree {
  const merged: ClassTree = {
    ...base,
    objects: { ...base.objects },
    exists: { ...base.exists, ...profile.exists },
    attributes: { ...base.attributes },
  };
  for (const technology of technologies) {
    const changed = profile.objects?.[technology];
    if (changed) merged.objects[technology] = mergeObjects(base.objects[technology], changed);
  }
  for (const [name, legs] of Object.entries(profile.attributes ?? {})) {
    const attribute: AttributeTree | undefined = base.attributes[name];
    if (!attribute) {
      const known = Object.keys(base.attributes).join(', ');
      report(
        ['attributes', name],
        `the class has no attribute "${name}"; a profile cannot add one. Its attributes: ${known}`,
      );
      continue;
    }
    if (attribute.links) {
      report(['attributes', name], `"${name}" is a list of links, which a profile cannot change`);
      continue;
    }
    merged.attributes[name] = { ...attribute, ...legs };
  }
  return merged;
}

function mergeObjects(base: ObjectsTree | undefined, changed: Record<string, ObjectTree>): ObjectsTree {
  const merged: Record<string, ObjectTree> = base && !hasNone(base) ? { ...base } : {};
  for (const [name, object] of Object.entries(changed)) {
    const before: ObjectTree = { ...merged[name] };
    if (object.path !== undefined) delete before.kinds;
    if (object.kinds !== undefined) delete before.path;
    merged[name] = { ...before, ...object };
  }
  return merged;
}

export function hasNone(objects: ObjectsTree): objects is { none: string } {
  return typeof objects['none'] === 'string';
}
