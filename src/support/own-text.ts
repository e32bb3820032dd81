/** A piece of a text keeps the whole text in memory. This is a copy of its own, for what is kept longer than the message that it came with. */
export function ownText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
