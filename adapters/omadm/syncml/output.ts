/** Where a message is written to: XML or WBXML. */
import type { Data } from './message.ts';
import type { Tag } from './tags.ts';

export interface Output {
  begin(tag: Tag): void;
  end(tag: Tag): void;
  /** An element without content. */
  empty(tag: Tag): void;
  /** An element with text. */
  text(tag: Tag, text: string): void;
  /** A Data element. */
  data(data: Data): void;
}
