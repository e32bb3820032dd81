import type { AttributeTable } from './attributes.ts';
import { definitions } from './definitions.ts';
import type { ResourceTree } from './tree.ts';
import { formatPath, isMultiple } from './value.ts';

export type EnablerVersion = '1.0' | '1.1' | '1.2';

/** `;ver=1.1` where the object's version is not 1.0, the default. */
function versionOf(object: number, enabler: EnablerVersion): string {
  const version = definitions.get(object)?.versions[enabler] ?? '1.0';
  return version === '1.0' ? '' : `;ver=${version}`;
}

/** The link list of a registration: the root, then every object with its instances; an object with a version or without instances by itself. */
export function registrationLinks(tree: ResourceTree, enabler: EnablerVersion, root: string): string {
  const formats = enabler === '1.0' ? '11542' : '"110 112 11542"';
  const rootPath = root === '' ? '/' : root;
  const links = [`<${rootPath}>;rt="oma.lwm2m";ct=${formats}`];
  for (const object of tree.objects()) {
    const instances = tree.instances(object);
    const version = versionOf(object, enabler);
    if (version !== '' || instances.length === 0) links.push(`<${root}/${object}>${version}`);
    for (const instance of instances) links.push(`<${root}/${object}/${instance}>`);
  }
  return links.join(',');
}

/** The answer to a Discover of an object, an instance or a resource. */
export function discoverLinks(
  tree: ResourceTree,
  attributes: AttributeTable,
  path: readonly number[],
  enabler: EnablerVersion,
  root: string,
): string {
  const [object = 0, instance, resource] = path;
  const written = (at: readonly number[]): string =>
    Object.entries(attributes.at(at))
      .map(([name, value]) => `;${name}=${value}`)
      .join('');
  const links: string[] = [];
  const link = (at: number[], extra = ''): void => {
    links.push(`<${root}${formatPath(at)}>${extra}${written(at)}`);
  };
  const linkResource = (at: number, id: number): void => {
    const value = tree.get([object, at, id]);
    const dim = value !== undefined && isMultiple(value) ? `;dim=${Object.keys(value).length}` : '';
    link([object, at, id], dim);
  };
  const linkInstance = (at: number): void => {
    link([object, at]);
    for (const row of tree.definition(object).resources.values()) {
      const known = row.execute || row.mandatory || tree.get([object, at, row.id]) !== undefined;
      if (known) linkResource(at, row.id);
    }
  };
  if (instance === undefined) {
    tree.definition(object);
    link([object], versionOf(object, enabler));
    for (const id of tree.instances(object)) linkInstance(id);
  } else {
    tree.instance(object, instance);
    if (resource === undefined) linkInstance(instance);
    else {
      tree.resource(object, resource);
      linkResource(instance, resource);
    }
  }
  return links.join(',');
}
