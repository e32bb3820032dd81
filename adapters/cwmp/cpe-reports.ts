/** Requests of a CPE beside the Inform: what they say of accepted operations and of its objects. */
import { noteDeployment, noteTransfer, type CpeNow } from './completions.ts';
import type { CpeRecord } from './cpe-record.ts';
import type { Leg } from './leg.ts';
import { takeUpReported } from './lost-answers.ts';
import type { CpeRequest } from './rpc.ts';

/** Durable when it resolves. @returns whether it says that the objects of the CPE have changed */
export async function takeReport(
  { context, settings }: Leg,
  record: CpeRecord,
  now: CpeNow,
  request: CpeRequest,
): Promise<boolean> {
  const { id } = record;
  context.trace.record(id, { direction: 'in', summary: summaryOf(request) });
  switch (request.method) {
    case 'TransferComplete': {
      const { commandKey } = request;
      await takeUpReported(context, id, commandKey, settings);
      const isOurs = await noteTransfer(context, now, request, settings.updateDeadline);
      if (!isOurs) context.log.info({ device: id, commandKey }, 'a transfer ended that nobody waits for');
      return false;
    }
    case 'DUStateChangeComplete':
      await takeUpReported(context, id, request.commandKey, settings);
      await noteDeployment(context, record.device, request);
      return true;
    case 'AutonomousDUStateChangeComplete':
      return true;
    // oneM2M has nothing that shows them to an application; the trace of the device does.
    case 'AutonomousTransferComplete':
    case 'RequestDownload':
    case 'Kicked':
    case 'GetRPCMethods':
    case 'Inform':
      return false;
  }
}

function summaryOf(request: CpeRequest): string {
  if (request.method === 'TransferComplete')
    return `TransferComplete ${request.commandKey} fault ${request.fault.code}`;
  return request.method === 'DUStateChangeComplete' ? `${request.method} ${request.commandKey}` : request.method;
}
