/** Commands that ask a running gateway: the admin listener, and the answer or the sentence of a failure. */

/** Options that each of them has, for `parseArgs`. */
export const commonOptions = {
  admin: { type: 'string', default: 'http://127.0.0.1:8090' },
  help: { type: 'boolean', default: false },
} as const;

export type AdminAnswer<Body> = { ok: true; body: Body } | { ok: false; error: string };

const patience = 10_000;

/** @param timeout ms until the gateway counts as one that does not answer */
export async function askAdmin<Body>(
  base: string,
  path: string,
  request: RequestInit = {},
  timeout = patience,
): Promise<AdminAnswer<Body>> {
  const url = `${base.replace(/\/$/, '')}${path}`;
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(timeout) });
    const body: unknown = await response.json();
    if (response.ok) return { ok: true, body: body as Body };
    const said = typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : '';
    return { ok: false, error: said || `${url} answers with ${response.status}` };
  } catch (error) {
    const cause = (error as Error & { cause?: Error }).cause?.message ?? (error as Error).message;
    return { ok: false, error: `no gateway answers at ${url} (${cause}); say --admin URL` };
  }
}

export interface Usage {
  /** `trace`, as in `trivet trace`. */
  command: string;
  help: string;
  /** Said when there is not exactly one argument: `name one device`. */
  argument: string;
}

/**
 * The one argument of a command and its options; or the exit code, after help or a mistake was shown.
 * @param parse throws what `parseArgs` throws
 */
export function readUsage<Parsed extends { values: { help: boolean }; positionals: string[] }>(
  { command, help, argument }: Usage,
  parse: () => Parsed,
): { exit: number } | { name: string; values: Parsed['values'] } {
  let parsed: Parsed;
  try {
    parsed = parse();
  } catch (error) {
    process.stderr.write(`trivet ${command}: ${(error as Error).message}\n\n${help}`);
    return { exit: 2 };
  }
  if (parsed.values.help) {
    process.stdout.write(help);
    return { exit: 0 };
  }
  const [name, ...more] = parsed.positionals;
  if (name === undefined || more.length > 0) {
    process.stderr.write(`trivet ${command}: ${argument}\n\n${help}`);
    return { exit: 2 };
  }
  return { name, values: parsed.values };
}
