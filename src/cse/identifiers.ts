/** Resource IDs and names that the CSE makes up. */
import { randomBytes } from 'node:crypto';

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz';
let pool = Buffer.alloc(0);
let used = 0;

/** 14 characters of base 36: 72 random bits. */
export function randomText(length = 14): string {
  let text = '';
  while (text.length < length) {
    if (used >= pool.length) {
      pool = randomBytes(4096);
      used = 0;
    }
    const octet = pool[used++] as number;
    // 252 = 7 × 36: the rest would make some characters likelier.
    if (octet < 252) text += alphabet[octet % 36];
  }
  return text;
}

/** `m2m:bat` → `bat` followed by random characters: `bat3k2j…`. */
export function newResourceID(root: string): string {
  return root.slice(root.indexOf(':') + 1) + randomText();
}

let last = 0;

/** Grows with every call within a process and follows the clock: the order of creation among siblings. */
export function creationOrder(now: number): number {
  last = Math.max(last + 1, now * 1000);
  return last;
}
