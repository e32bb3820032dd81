/** Octets of a body → text. CPEs declare a charset and send another: the declaration is a hint, the octets decide. */

export interface DecodedBody {
  text: string;
  charset: string;
  /** What was odd about it, for the log. */
  warnings: string[];
}

/** The XML declaration stands within so many octets. */
const declarationLength = 200;

/**
 * Order: byte order mark, HTTP header, XML declaration, UTF-8; ISO 8859-1 takes whatever the one before does not.
 * @param contentType value of the HTTP header
 */
export function decodeBody(octets: Uint8Array, contentType?: string): DecodedBody {
  const warnings: string[] = [];
  const candidates = [
    byteOrderMark(octets),
    /charset\s*=\s*["']?\s*([^\s"';]+)/i.exec(contentType ?? '')?.[1],
    declared(octets),
    'utf-8',
  ];
  for (const charset of candidates) {
    if (charset === undefined) continue;
    const text = tryDecode(octets, charset);
    if (text !== undefined) return { text, charset: charset.toLowerCase(), warnings };
    warnings.push(`the body is no ${charset.slice(0, 30)}, although it says so`);
  }
  const text = new TextDecoder('iso-8859-1').decode(octets);
  return { text, charset: 'iso-8859-1', warnings };
}

function tryDecode(octets: Uint8Array, charset: string): string | undefined {
  try {
    return decoderOf(charset).decode(octets);
  } catch {
    // Unknown charset, or octets that it does not have: the next candidate.
    return undefined;
  }
}

const decoders = new Map<string, InstanceType<typeof TextDecoder>>();

/** One for each of the few names that the platform knows: making it costs more than using it. */
function decoderOf(charset: string): InstanceType<typeof TextDecoder> {
  const known = decoders.get(charset.toLowerCase());
  if (known) return known;
  const decoder = new TextDecoder(charset, { fatal: true });
  decoders.set(decoder.encoding, decoder);
  return decoder;
}

function byteOrderMark(octets: Uint8Array): string | undefined {
  if (octets[0] === 0xff && octets[1] === 0xfe) return 'utf-16le';
  if (octets[0] === 0xfe && octets[1] === 0xff) return 'utf-16be';
  return undefined;
}

function declared(octets: Uint8Array): string | undefined {
  const head = Buffer.from(octets.buffer, octets.byteOffset, Math.min(octets.length, declarationLength));
  return /<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']/.exec(head.toString('latin1'))?.[1];
}
