/** A message as XML: no prefixes, the namespace of MetInf at each of its elements, as the devices in the field write it. */
import type { Data } from './message.ts';
import type { Output } from './output.ts';
import { type Tag, tags } from './tags.ts';
import { escapeText } from './xml-text.ts';

export function xmlStart(representation: '1.1' | '1.2'): string {
  return `<?xml version="1.0" encoding="UTF-8"?><SyncML xmlns="SYNCML:SYNCML${representation}">`;
}

export class XmlOutput implements Output {
  written = '';

  begin(tag: Tag): void {
    this.written += tag.start;
  }

  end(tag: Tag): void {
    this.written += tag.end;
  }

  empty(tag: Tag): void {
    this.written += `<${tag.name}/>`;
  }

  text(tag: Tag, text: string): void {
    this.written += tag.start + escapeText(text) + tag.end;
  }

  /** Octets become base64: the Format beside them is for the caller to say. */
  data(data: Data): void {
    if (typeof data === 'string') this.text(tags.Data, data);
    else if (data instanceof Uint8Array) this.text(tags.Data, base64Of(data));
    else this.written += tags.Data.start + data.markup + tags.Data.end;
  }
}

function base64Of(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('base64');
}
