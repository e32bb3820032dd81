/** The mapping files, loaded and checked: one per management object, and the profiles that change them. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ResourceTypeDefinition } from '../onem2m/vocabulary.ts';
import { packageFile } from '../support/package-files.ts';
import type { Inventory } from './adapter.ts';
import { noCommands, type CommandTable } from './command-table.ts';
import { compileMapping } from './mapping-compile.ts';
import { hasNone, mergeProfile } from './mapping-merge.ts';
import { profileMatches } from './mapping-profiles.ts';
import type { ClassNames } from './mapping-references.ts';
import { preparedText, readPrepared } from './mapping-prepared.ts';
import { createFileChecker, MappingError, parsedBefore, parseMappingFile } from './mapping-schema.ts';
import type { FileKind, MappingProblem, ParsedFile } from './mapping-schema.ts';
import type { ClassTree, ProfileTree } from './mapping-tree.ts';
import type { Mapping, Technology } from './mapping-types.ts';

export { MappingError } from './mapping-schema.ts';
export type { Mapping } from './mapping-types.ts';

export interface MappingSources {
  /** Folder of the class files, `commands.yaml`, `schema.json` and `profiles/`. */
  directory: string;
  /** Folders of an operator's own profiles. */
  profileDirectories?: string[];
  /** What the build has made of the files; may be missing or old. */
  prepared?: string;
}

/** Where the build puts what it has made of the mapping files of the package. */
export const preparedMappings = packageFile('dist/mappings.json');

export interface Mappings {
  /** The classes without any profile, in order of mgmtDefinition; self-defined ones are the last. */
  readonly classes: readonly Mapping[];
  /** For `createVocabulary`: specific attributes only. */
  definitions(): ResourceTypeDefinition[];
  byName(name: string): Mapping | undefined;
  byDefinition(mgmtDefinition: number): Mapping | undefined;
  /** Names of the profiles that match, in the order in which they are merged. */
  profilesFor(device: { technology: string; inventory: Inventory }): string[];
  /** The class as these profiles change it; cached. Profiles that are gone are left out. Undefined: no such class. */
  merged(name: string, profiles: readonly string[]): Mapping | undefined;
  /** Settings of the profiles that concern a leg, e.g. `versionAfterUpdate`. */
  settings(profiles: readonly string[]): Record<string, unknown>;
  /** Paths of the objects that the classes or any profile name on a leg, each once: `Device.WiFi.Radio.{i}.`. */
  objectPaths(technology: Technology): string[];
  /** The commands of `<mgmtCmd>` as `commands.yaml` has them. */
  readonly commands: CommandTable;
  /** SHA-256 over the classes and these profiles, hexadecimal; cached. */
  digest(profiles: readonly string[]): string;
  /** The files as the build keeps them, for `MappingSources.prepared`. */
  prepared(): string;
}

interface Profile {
  name: string;
  parsed: ParsedFile;
  tree: ProfileTree;
  text: string;
}

/** More profiles per device than this are a mistake; the cache of merged classes is bounded by it as well. */
const maximumCachedCombinations = 1000;

/** Reads and checks all files; throws a `MappingError` that names every file, line and what is allowed. */
export function loadMappings(sources: MappingSources): Mappings {
  const problems: MappingProblem[] = [];
  const schemaText = readFileSync(join(sources.directory, 'schema.json'), 'utf8');
  const check = createFileChecker(schemaText);
  const ready = readPrepared(sources.prepared, schemaText);
  const sound: { kind: FileKind; text: string; tree: unknown }[] = [];
  const hash = createHash('sha256');

  const read = (kind: FileKind, path: string): { parsed: ParsedFile; text: string } | undefined => {
    const text = readFileSync(path, 'utf8');
    const tree = ready(kind, text);
    if (tree !== undefined) {
      sound.push({ kind, text, tree });
      return { parsed: parsedBefore(path, text, tree), text };
    }
    const { parsed, problems: syntax } = parseMappingFile(path, text);
    const found = syntax.length > 0 ? syntax : check(kind, parsed);
    problems.push(...found);
    if (found.length > 0) return undefined;
    sound.push({ kind, text, tree: parsed.tree });
    return { parsed, text };
  };

  const trees = new Map<string, { parsed: ParsedFile; tree: ClassTree }>();
  for (const file of yamlFiles(sources.directory)) {
    if (basename(file) === 'commands.yaml') continue;
    const found = read('class', file);
    if (!found) continue;
    hash.update(found.text);
    trees.set(basename(file, '.yaml'), { parsed: found.parsed, tree: found.parsed.tree as ClassTree });
  }
  const commands = read('commands', join(sources.directory, 'commands.yaml'))?.parsed.tree as CommandTable | undefined;
  const profiles = new Map<string, Profile>();
  for (const directory of [join(sources.directory, 'profiles'), ...(sources.profileDirectories ?? [])]) {
    for (const file of yamlFiles(directory)) {
      const found = read('profile', file);
      const name = basename(file, '.yaml');
      if (!found) continue;
      // An operator's profile of the same name takes the place of ours.
      profiles.set(name, { name, parsed: found.parsed, tree: found.parsed.tree as ProfileTree, text: found.text });
    }
  }
  if (problems.length > 0) throw new MappingError(problems);

  const names: ClassNames = {
    mgmtDefinitionOf: (name) => trees.get(name)?.tree.mgmtDefinition,
    hasAttribute: (name, attribute) => trees.get(name)?.tree.attributes[attribute] !== undefined,
  };
  const classes = [...trees].map(([name, { parsed, tree }]) =>
    compileMapping(name, tree, names, (path, problem) =>
      problems.push({ file: parsed.file, line: parsed.lineOf(path), problem }),
    ),
  );
  problems.push(...doubled(classes, trees));
  // A profile of a class that is wrong itself would repeat what is wrong.
  if (problems.length > 0) throw new MappingError(problems);
  for (const profile of profiles.values()) problems.push(...checkProfile(profile, trees, names));
  if (problems.length > 0) throw new MappingError(problems);

  classes.sort((a, b) => orderOf(a) - orderOf(b));
  return {
    ...mappingsOf(classes, trees, profiles, names, commands ?? noCommands, hash.digest('hex')),
    prepared: () => preparedText(schemaText, sound),
  };
}

function mappingsOf(
  classes: readonly Mapping[],
  trees: ReadonlyMap<string, { parsed: ParsedFile; tree: ClassTree }>,
  profiles: ReadonlyMap<string, Profile>,
  names: ClassNames,
  commands: CommandTable,
  base: string,
): Omit<Mappings, 'prepared'> {
  const byName = new Map(classes.map((mapping) => [mapping.name, mapping]));
  const byDefinition = new Map(classes.map((mapping) => [mapping.mgmtDefinition, mapping]));
  const cache = new Map<string, Mapping>();
  const known = (wanted: readonly string[]): Profile[] => wanted.flatMap((name) => profiles.get(name) ?? []);
  const digests = new Map<string, string>();
  return {
    classes,
    commands,
    definitions: () => classes.map((mapping) => mapping.definition),
    objectPaths: (technology) => objectPathsOf(technology, trees, profiles),
    byName: (name) => byName.get(name),
    byDefinition: (mgmtDefinition) => byDefinition.get(mgmtDefinition),
    profilesFor: (device) =>
      [...profiles.values()]
        .filter((profile) => profileMatches(profile.tree.match, device))
        .map((profile) => profile.name),
    merged(name, wanted) {
      const plain = byName.get(name);
      if (!plain || wanted.length === 0) return plain;
      const changing = known(wanted).filter((profile) => profile.tree.classes?.[name]);
      if (changing.length === 0) return plain;
      const key = [name, ...changing.map((profile) => profile.name)].join('\n');
      const cached = cache.get(key);
      if (cached) return cached;
      const made = mergeAll(name, trees.get(name)?.tree, changing, names) ?? plain;
      if (cache.size >= maximumCachedCombinations) cache.clear();
      cache.set(key, made);
      return made;
    },
    settings: (wanted) =>
      Object.assign({}, ...known(wanted).map((profile) => profile.tree.settings)) as Record<string, unknown>,
    digest(wanted) {
      const key = wanted.join('\n');
      const cached = digests.get(key);
      if (cached !== undefined) return cached;
      const hash = createHash('sha256').update(base);
      // A management object keeps the names of its profiles, so a new name is news.
      for (const profile of known(wanted)) hash.update(JSON.stringify([profile.name, profile.text]));
      const made = hash.digest('hex');
      if (digests.size >= maximumCachedCombinations) digests.clear();
      digests.set(key, made);
      return made;
    },
  };
}

function objectPathsOf(
  technology: Technology,
  trees: ReadonlyMap<string, { tree: ClassTree }>,
  profiles: ReadonlyMap<string, Profile>,
): string[] {
  const all = [
    ...[...trees.values()].map(({ tree }) => tree.objects[technology]),
    ...[...profiles.values()].flatMap(({ tree }) =>
      Object.values(tree.classes ?? {}).map((changes) => changes.objects?.[technology]),
    ),
  ];
  const paths = all
    .flatMap((objects) => (objects === undefined || hasNone(objects) ? [] : Object.values(objects)))
    .flatMap(({ path, kinds }) => [path ?? [], (kinds ?? []).map((kind) => kind.path)].flat());
  return [...new Set(paths)];
}

/** Each profile was checked alone when it was loaded; what two of them break together is left as the class has it. */
function mergeAll(
  name: string,
  tree: ClassTree | undefined,
  profiles: readonly Profile[],
  names: ClassNames,
): Mapping | undefined {
  if (!tree) return undefined;
  let merged = tree;
  let sound = true;
  const report = (): void => {
    sound = false;
  };
  for (const profile of profiles) merged = mergeProfile(merged, profile.tree.classes?.[name] ?? {}, report);
  const mapping = compileMapping(name, merged, names, report);
  return sound ? mapping : undefined;
}

function checkProfile(
  profile: Profile,
  trees: ReadonlyMap<string, { tree: ClassTree }>,
  names: ClassNames,
): MappingProblem[] {
  const problems: MappingProblem[] = [];
  for (const [name, changes] of Object.entries(profile.tree.classes ?? {})) {
    const report = (path: string[], problem: string): void => {
      problems.push({
        file: profile.parsed.file,
        line: profile.parsed.lineOf(['classes', name, ...path]),
        problem: `${name}: ${problem}`,
      });
    };
    const tree = trees.get(name)?.tree;
    if (tree) compileMapping(name, mergeProfile(tree, changes, report), names, report);
    else report([], `there is no such class; there are ${[...trees.keys()].join(', ')}`);
  }
  return problems;
}

function orderOf({ mgmtDefinition }: Mapping): number {
  return mgmtDefinition === 0 ? Infinity : mgmtDefinition;
}

function doubled(classes: readonly Mapping[], trees: ReadonlyMap<string, { parsed: ParsedFile }>): MappingProblem[] {
  const problems: MappingProblem[] = [];
  for (const [key, of] of [
    ['mgmtDefinition', (mapping: Mapping) => String(mapping.mgmtDefinition)],
    ['shortName', (mapping: Mapping) => mapping.shortName],
  ] as const) {
    const owners = new Map<string, string>();
    // Self-defined ones share number and root; their attributes may not have the same names, as the vocabulary finds.
    for (const mapping of classes.filter(({ mgmtDefinition }) => mgmtDefinition !== 0)) {
      const owner = owners.get(of(mapping));
      const parsed = trees.get(mapping.name)?.parsed;
      if (owner !== undefined && parsed) {
        problems.push({
          file: parsed.file,
          line: parsed.lineOf([key]),
          problem: `${key} ${of(mapping)} is that of ${owner} already`,
        });
      }
      owners.set(of(mapping), mapping.name);
    }
  }
  return problems;
}

/** A folder that does not exist holds no files. */
function yamlFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
