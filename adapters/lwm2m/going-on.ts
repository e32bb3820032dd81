/** What goes on with a device when it listens again: its lane, its observations, its procedures. */
import type { DeviceSession } from './device-session.ts';
import { DeviceObservations } from './observations.ts';

/** The device listens: what waited for it goes on. */
export function goOn(session: DeviceSession): void {
  if (session.over) return;
  const { procedures } = session.leg;
  session.listen();
  if (!session.isObserved || session.observations?.isIncomplete) reconcile(session);
  if (!session.isResumed || procedures.isWaiting(session.device.id)) resumeProcedures(session, false);
}

/** Most devices have no wishes, and cost nothing for it. */
export function reconcile(session: DeviceSession): void {
  if (session.observations) {
    session.observations.reconcile();
    return;
  }
  session.isObserved = true;
  const { context } = session.leg;
  context.wish(session.device.id).then(
    (wishes) => {
      if (wishes.length === 0 || session.over) return;
      session.observations ??= new DeviceObservations(session);
      session.observations.reconcile();
    },
    (error: unknown) => {
      session.isObserved = false;
      context.log.error(
        { err: error, device: session.device.id },
        'what to observe on a device could not be found out',
      );
    },
  );
}

/** @param anew the device registered: runs of procedures start over from what it shows */
export function resumeProcedures(session: DeviceSession, anew: boolean): void {
  session.isResumed = true;
  session.leg.procedures.resume(session, anew).catch((error: unknown) => {
    session.leg.context.log.error({ err: error, device: session.device.id }, 'procedures of a device could not go on');
  });
}
