/** One mapping file as text: parsed with positions and checked against `mappings/schema.json`. */
import { createRequire } from 'node:module';
import type { ErrorObject, ValidateFunction } from 'ajv';
import type { Document, LineCounter } from 'yaml';

/** Something is wrong with a mapping file. `line` counts from 1; 0 = the file as a whole. */
export interface MappingProblem {
  file: string;
  line: number;
  problem: string;
}

export class MappingError extends Error {
  readonly problems: readonly MappingProblem[];
  constructor(problems: readonly MappingProblem[]) {
    super(problems.map(({ file, line, problem }) => `${file}:${line}: ${problem}`).join('\n'));
    this.name = 'MappingError';
    this.problems = problems;
  }
}

export interface ParsedFile {
  file: string;
  tree: unknown;
  /** Line of the node at this path, or of the nearest one above it. */
  lineOf(path: readonly string[]): number;
}

export type FileKind = 'class' | 'profile' | 'commands';
export type FileChecker = (kind: FileKind, parsed: ParsedFile) => MappingProblem[];

const maximumBytes = 512 * 1024;

// Loaded when they are needed: a start with prepared files needs neither, and they are slow to load.
const load = createRequire(import.meta.url);
const yaml = (): typeof import('yaml') => load('yaml') as typeof import('yaml');
const ajv = (): typeof import('ajv') => load('ajv') as typeof import('ajv');

/** Parses YAML 1.2; syntax errors, doubled keys and oversized files are problems, never exceptions. */
export function parseMappingFile(file: string, text: string): { parsed: ParsedFile; problems: MappingProblem[] } {
  const nothing: ParsedFile = { file, tree: undefined, lineOf: () => 0 };
  if (text.length > maximumBytes) {
    return { parsed: nothing, problems: [{ file, line: 0, problem: `is larger than ${maximumBytes} bytes` }] };
  }
  const lines = new (yaml().LineCounter)();
  const document = yaml().parseDocument(text, { lineCounter: lines });
  const problems = document.errors.map((error) => ({
    file,
    line: lines.linePos(error.pos[0]).line,
    problem: error.message.split('\n')[0]?.replace(/ at line .*$/, '') ?? error.code,
  }));
  if (problems.length > 0) return { parsed: nothing, problems };
  try {
    const tree: unknown = document.toJS({ maxAliasCount: 20 });
    return { parsed: { file, tree, lineOf: (path) => lineAt(document, lines, path) }, problems: [] };
  } catch (error) {
    // Aliases that multiply.
    return {
      parsed: nothing,
      problems: [{ file, line: 0, problem: error instanceof Error ? error.message : String(error) }],
    };
  }
}

/** A file with this text that was parsed and found sound before; lines are looked up in the text when somebody asks. */
export function parsedBefore(file: string, text: string, tree: unknown): ParsedFile {
  return { file, tree, lineOf: (path) => parseMappingFile(file, text).parsed.lineOf(path) };
}

/** A checker made from the text of `schema.json`; each kind of file is compiled at its first use. */
export function createFileChecker(schemaText: string): FileChecker {
  const schema: unknown = JSON.parse(schemaText);
  if (typeof schema !== 'object' || schema === null) throw new TypeError('mappings/schema.json is no JSON schema');
  const compile = compiler(schema);
  return (kind, parsed) => {
    const validate = compile(kind);
    if (validate(parsed.tree)) return [];
    return mostSpecific(validate.errors ?? []).map((error) => {
      const path = error.instancePath.split('/').slice(1).map(unescapePointer);
      return {
        file: parsed.file,
        line: parsed.lineOf([...path, ...offendingKey(error)]),
        problem: sentence(path, error),
      };
    });
  };
}

function compiler(schema: object): (kind: FileKind) => ValidateFunction {
  const validators = new Map<FileKind, ValidateFunction>();
  let schemas: InstanceType<ReturnType<typeof ajv>['Ajv']> | undefined;
  return (kind) => {
    const known = validators.get(kind);
    if (known) return known;
    schemas ??= new (ajv().Ajv)({ allErrors: true, verbose: true, strict: false }).addSchema(schema, 'mappings');
    const made = schemas.compile({ $ref: `mappings#/definitions/${kind}` });
    validators.set(kind, made);
    return made;
  };
}

/** Errors of the alternatives of an `anyOf` drown the one that matters: keep the deepest of each branch. */
function mostSpecific(errors: readonly ErrorObject[]): ErrorObject[] {
  const real = errors.filter((error) => error.keyword !== 'anyOf' && error.keyword !== 'if');
  const deepest = real.filter(
    (error) => !real.some((other) => other !== error && other.instancePath.startsWith(`${error.instancePath}/`)),
  );
  const byPlace = new Map<string, ErrorObject>();
  for (const error of deepest.length > 0 ? deepest : errors) {
    const place = `${error.instancePath} ${offendingKey(error).join()}`;
    const known = byPlace.get(place);
    // Of two alternatives that both fail at one place, the one that lists what is allowed says more.
    if (!known || (known.keyword !== 'additionalProperties' && error.keyword === 'enum')) byPlace.set(place, error);
  }
  return [...byPlace.values()].slice(0, 20);
}

function sentence(path: readonly string[], error: ErrorObject): string {
  const where = path.length > 0 ? path.join('.') : 'the file';
  const [key] = offendingKey(error);
  switch (error.keyword) {
    case 'additionalProperties':
      return `${where}: "${key ?? ''}" is not known here; allowed: ${Object.keys(recordOf(error.parentSchema?.['properties'])).join(', ')}`;
    case 'required':
      return `${where}: "${String(error.params['missingProperty'])}" is missing`;
    case 'enum':
      return `${where}: ${JSON.stringify(error.data)} is not one of ${listed(error.params['allowedValues'])}`;
    case 'const':
      return `${where}: only ${JSON.stringify(error.params['allowedValue'])} is allowed`;
    case 'pattern':
      return `${where}: ${JSON.stringify(error.data)} has not the form ${described(error)}`;
    default:
      return `${where}: ${error.message ?? error.keyword}`;
  }
}

function described(error: ErrorObject): string {
  const description: unknown = error.parentSchema?.['description'];
  return typeof description === 'string' ? description : String(error.params['pattern']);
}

function offendingKey(error: ErrorObject): string[] {
  const key: unknown = error.params['additionalProperty'] ?? error.params['propertyName'];
  return typeof key === 'string' ? [key] : [];
}

function listed(values: unknown): string {
  return Array.isArray(values) ? values.map(String).join(', ') : String(values);
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function unescapePointer(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}

function lineAt(document: Document, lines: LineCounter, path: readonly string[]): number {
  const kinds = yaml();
  let node: unknown = document.contents;
  let position = 0;
  for (const segment of path) {
    if (kinds.isMap(node)) {
      const pair = node.items.find((item) => kinds.isScalar(item.key) && String(item.key.value) === segment);
      if (!pair) break;
      if (kinds.isScalar(pair.key)) position = pair.key.range?.[0] ?? position;
      node = pair.value;
    } else if (kinds.isSeq(node)) {
      node = node.items[Number(segment)];
    } else break;
    if ((kinds.isMap(node) || kinds.isSeq(node)) && !position) position = node.range?.[0] ?? position;
  }
  return lines.linePos(position).line;
}
