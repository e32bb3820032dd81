import { pino, stdSerializers } from 'pino';
import type { Log } from './log.ts';

/**
 * One JSON object a line on stderr; stdout belongs to answers (`--ready-json`, tables). Names that hold secrets are
 * removed wherever they stand at the first two levels.
 */
export function createLog(level: string, to: { write(line: string): void } = standardError()): Log {
  const secrets = ['password', 'secret', 'authorization', 'credentials', 'token'];
  return pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
      redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '***' },
    },
    to,
  );
}

function standardError(): { write(line: string): void } {
  return pino.destination({ dest: 2, sync: false });
}
