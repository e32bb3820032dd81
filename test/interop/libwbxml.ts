/** The converters of Debian's libwbxml2-utils: a second codec of SyncML, which shares nothing with ours. */
import { spawn } from 'node:child_process';

export interface Libwbxml {
  toWbxml(xml: string, ...options: string[]): Promise<Buffer>;
  toXml(wbxml: Uint8Array): Promise<string>;
}

/** Undefined: they are not installed. */
export async function findLibwbxml(): Promise<Libwbxml | undefined> {
  try {
    await convert('xml2wbxml', [], new Uint8Array());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  }
  return {
    toWbxml: (xml, ...options) =>
      convert('xml2wbxml', ['-k', '-v', '1.2', ...options, '-o', '-', '-'], Buffer.from(withDoctype(xml))),
    toXml: async (wbxml) => (await convert('wbxml2xml', ['-k', '-m', '0', '-o', '-', '-'], wbxml)).toString(),
  };
}

/** The tool knows the language of a document by its DOCTYPE, which nobody sends. */
function withDoctype(xml: string): string {
  const version = xml.includes('SYNCML1.1"') ? '1.1' : '1.2';
  const doctype = `<!DOCTYPE SyncML PUBLIC "-//SYNCML//DTD SyncML ${version}//EN" "syncml.dtd">`;
  return xml.replace('<SyncML ', `${doctype}<SyncML `);
}

function convert(program: string, options: string[], input: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, { stdio: ['pipe', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    let problems = '';
    child.stdout.on('data', (chunk: Buffer) => void output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (problems += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 && /succeeded/.test(problems)) resolve(Buffer.concat(output));
      else reject(new Error(`${program} ended with ${code}: ${problems}`));
    });
    // It may have ended before it has read everything: its exit code tells.
    child.stdin.once('error', () => undefined);
    child.stdin.end(input);
  });
}
