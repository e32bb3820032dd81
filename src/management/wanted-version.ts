/** Whether a device runs what was asked for, as its profile wants the versions compared. Part of what the legs see. */

export type VersionRule = 'exact' | 'prefix' | 'ignore';

/** Profile setting `versionAfterUpdate`; what it does not know is `exact`. */
export function readVersionRule(profile: Record<string, unknown>): VersionRule {
  const rule = profile['versionAfterUpdate'];
  return rule === 'prefix' || rule === 'ignore' ? rule : 'exact';
}

/** True when the device runs what was asked for: nothing was, or equal after trimming, or as the profile says. */
export function isWanted(running: string | undefined, wanted: string | undefined, rule: VersionRule): boolean {
  const asked = wanted?.trim() ?? '';
  if (asked === '' || rule === 'ignore') return true;
  const shown = running?.trim() ?? '';
  return rule === 'prefix' ? shown.startsWith(asked) : shown === asked;
}
