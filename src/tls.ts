/** The settings of TLS become files in use; a file that cannot be used is named with its setting. */
import { optionName, SettingError, type Settings } from './config.ts';
import type { Clock } from './support/clock.ts';
import { openLiveTls, type LiveTls } from './support/live-tls.ts';
import type { Log } from './support/log.ts';
import { TlsFileError } from './support/tls-files.ts';

const settingOf = {
  certificate: 'tls.certificate',
  key: 'tls.key',
  clientAuthorities: 'cwmp.clientAuthorities',
} as const;

/** Undefined: TLS is off. @throws SettingError */
export async function openTlsFiles(
  settings: Settings,
  options: { clock: Clock; log: Log },
): Promise<LiveTls | undefined> {
  const certificate = settings[settingOf.certificate];
  const key = settings[settingOf.key];
  if (certificate === undefined || key === undefined) return undefined;
  const clientAuthorities = settings[settingOf.clientAuthorities];
  try {
    return await openLiveTls({ certificate, key, clientAuthorities }, options);
  } catch (error) {
    if (error instanceof TlsFileError) {
      throw new SettingError(`${optionName(settingOf[error.part])} ${error.message}`);
    }
    throw error;
  }
}
