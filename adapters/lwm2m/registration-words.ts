/** Register and Update in words for `trivet trace`. */
import type { Inventory, TraceEntry } from '../../src/management/adapter.ts';
import type { DeviceFacts } from './facts.ts';
import type { RegisterMessage } from './registration.ts';

/** An Update without news, the most frequent message of all. */
export const updateEntry: TraceEntry = Object.freeze({ direction: 'in', summary: 'Update' });
const mostPathsShown = 60;

function pathsOf({ objects }: Inventory): string {
  const shown = objects.slice(0, mostPathsShown).map(({ path }) => path);
  return `${shown.join(' ')}${objects.length > mostPathsShown ? ` … ${objects.length - mostPathsShown} more` : ''}`;
}

export function tellUpdate(
  { lifetime, binding, queueMode }: Partial<DeviceFacts>,
  inventory: Inventory | undefined,
  moved: boolean,
): TraceEntry {
  const news = [
    lifetime === undefined ? [] : `lt=${lifetime}`,
    binding === undefined ? [] : `b=${binding}`,
    queueMode === undefined ? [] : queueMode ? 'in queue mode' : 'without queue mode',
    inventory ? 'with objects' : [],
    moved ? 'from another address' : [],
  ].flat();
  const summary = ['Update', ...news].join(' ');
  return inventory ? { direction: 'in', summary, detail: pathsOf(inventory) } : { direction: 'in', summary };
}

/** @param inventory absent when the list is the one that is known */
export function tellRegister(
  { endpoint, version, lifetime, binding, queueMode }: RegisterMessage,
  inventory: Inventory | undefined,
): TraceEntry {
  return {
    direction: 'in',
    summary: `Register ${endpoint} lwm2m=${version} lt=${lifetime} b=${binding}${queueMode ? ' in queue mode' : ''}`,
    ...(inventory && { detail: pathsOf(inventory) }),
  };
}
