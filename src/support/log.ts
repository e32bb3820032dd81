/** The part of pino's interface that the gateway uses; `gateway.ts` makes the logger, tests pass `silentLog`. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
  /** Lines whose making costs something are made only then; it does not change while the gateway runs. */
  isLevelEnabled(level: 'debug'): boolean;
}

const nothing = (): void => {};

export const silentLog: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLog,
  isLevelEnabled: () => false,
};
