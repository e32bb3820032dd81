/**
 * Keeps a second process away from a database. The lock is one that the kernel holds for the process on `<file>.lock`, so a
 * process that died, whatever its number or container, leaves none behind; its number is in `<file>.pid`, for the sentence.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { StoreFailure } from '../failure.ts';
import { openDatabase } from './database.ts';

/** @returns what gives the lock back. @throws StoreFailure `locked`, naming the process that has it. */
export function lockFile(file: string): () => void {
  const holder = `${file}.pid`;
  const lock = openDatabase(`${file}.lock`, 0);
  try {
    lock.execute('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!(error instanceof StoreFailure) || error.code !== 'locked') throw error;
    throw new StoreFailure(
      'locked',
      `${file} is in use by ${holderOf(holder)}: stop that one, or give this one another directory with --data`,
      error,
    );
  }
  writeFileSync(holder, `${process.pid}\n`);
  return () => {
    rmSync(holder, { force: true });
    lock.execute('ROLLBACK');
    lock.close();
  };
}

function holderOf(file: string): string {
  try {
    return `process ${readFileSync(file, 'utf8').trim()}`;
  } catch {
    // The other one has the lock but has not written its number yet.
    return 'another process';
  }
}
