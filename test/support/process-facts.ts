/** What Linux tells about a running process. */
import { readFileSync } from 'node:fs';

const pageSize = 4096;

/** Resident memory in octets; 0 = there is no such process. */
export function residentSize(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageSize;
  } catch {
    return 0;
  }
}
