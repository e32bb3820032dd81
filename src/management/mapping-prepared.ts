/**
 * Mapping files as they were parsed and checked when the package was built. A file of which the text is still the same needs neither
 * again, which is most of the time that a start would take. Whatever differs is parsed and checked as ever.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FileKind } from './mapping-schema.ts';

interface PreparedFile {
  /** Digest of `schema.json`: what another schema has passed proves nothing. */
  schema: string;
  /** Digest of kind and text → tree. */
  trees: Record<string, unknown>;
}

/** The tree of a file with this text; undefined when it was not prepared. */
export type Prepared = (kind: FileKind, text: string) => unknown;

const nothing: Prepared = () => undefined;

/** Reads what `preparedText` made. A file that is not there, or of another schema, prepares nothing. */
export function readPrepared(path: string | undefined, schemaText: string): Prepared {
  if (path === undefined) return nothing;
  let file: PreparedFile;
  try {
    file = JSON.parse(readFileSync(path, 'utf8')) as PreparedFile;
  } catch {
    // From the sources there is no build, and a broken one costs time only.
    return nothing;
  }
  if (file.schema !== digest(schemaText)) return nothing;
  return (kind, text) => file.trees[keyOf(kind, text)];
}

/** The content of a file for `readPrepared`. The files have passed every check. */
export function preparedText(schemaText: string, files: { kind: FileKind; text: string; tree: unknown }[]): string {
  const trees = Object.fromEntries(files.map(({ kind, text, tree }) => [keyOf(kind, text), tree]));
  return JSON.stringify({ schema: digest(schemaText), trees } satisfies PreparedFile);
}

function keyOf(kind: FileKind, text: string): string {
  return digest(`${kind}\n${text}`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
