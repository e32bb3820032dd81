import { argument, arrayArgument, keyArgument, numberArgument, soapArray } from './call.ts';
import type { Handler } from './call.ts';
import { CpeFault } from './cpe-fault.ts';
import type { Content } from './envelope.ts';
import { isDownloadType, isUploadType } from './file-types.ts';
import { checkFileUrl } from './files.ts';
import type { TransferOrder, Transfers, Window } from './transfers.ts';
import { unknownTime, wireTime } from './values.ts';
import type { Workshop } from './workshop.ts';
import type { XmlElement } from './xml.ts';

function orderFrom(rpc: XmlElement, method: TransferOrder['method']): TransferOrder {
  const fileType = argument(rpc, 'FileType', 64);
  const upload = method === 'Upload';
  if (!(upload ? isUploadType(fileType) : isDownloadType(fileType))) throw new CpeFault(9003, `FileType ${fileType}`);
  const url = argument(rpc, 'URL', 256);
  checkFileUrl(url);
  return {
    method,
    fileType,
    url,
    commandKey: keyArgument(rpc, 'CommandKey'),
    username: argument(rpc, 'Username', 256),
    password: argument(rpc, 'Password', 256),
    fileSize: upload ? 0 : numberArgument(rpc, 'FileSize'),
    targetFileName: upload ? '' : argument(rpc, 'TargetFileName', 256),
    delay: method === 'ScheduleDownload' ? 0 : numberArgument(rpc, 'DelaySeconds'),
    windows: [],
  };
}

const accepted = (): Content => ({ Status: '1', StartTime: unknownTime, CompleteTime: unknownTime });

function download(transfers: Transfers): Handler {
  return (workshop, rpc) => {
    const order = orderFrom(rpc, 'Download');
    argument(rpc, 'SuccessURL', 256);
    argument(rpc, 'FailureURL', 256);
    if (workshop.faults.storageFull) throw new CpeFault(9004, 'there is no room for a file');
    transfers.order(order);
    if (workshop.faults.transferComplete !== 'already') return accepted();
    const now = wireTime(workshop.now());
    return { Status: '0', StartTime: now, CompleteTime: now };
  };
}

/** The one or two windows; the second begins after the end of the first (TR-069 A.4.1.8). */
function windowsFrom(rpc: XmlElement, { scale }: Workshop): Window[] {
  const items = arrayArgument(rpc, 'TimeWindowList');
  if (items.length > 2) throw new CpeFault(9003, 'there are more than two windows');
  let last = 0;
  return items.map((item) => {
    const from = numberArgument(item, 'WindowStart');
    const to = numberArgument(item, 'WindowEnd');
    const mode = argument(item, 'WindowMode', 64);
    argument(item, 'UserMessage', 256);
    const retries = Number(argument(item, 'MaxRetries'));
    if (to <= from || from < last) throw new CpeFault(9003, `a window from ${from} to ${to}`);
    if (!/^(1 At Any Time|2 Immediately|3 When Idle|4 Confirmation Needed|X .+)$/.test(mode))
      throw new CpeFault(9003, `WindowMode ${mode}`);
    if (!Number.isInteger(retries)) throw new CpeFault(9003, 'MaxRetries is not an int');
    last = to;
    return { start: Date.now() + scale(from), end: Date.now() + scale(to), retries };
  });
}

const queued =
  (transfers: Transfers, all: boolean): Handler =>
  () => {
    const list = transfers.list.map((one) => ({
      CommandKey: one.commandKey,
      State: String(one.state),
      ...(all
        ? {
            IsDownload: one.method === 'Upload' ? 'false' : 'true',
            FileType: one.fileType,
            FileSize: String(one.fileSize),
            TargetFileName: one.targetFileName,
          }
        : {}),
    }));
    return { TransferList: soapArray(all ? 'cwmp:AllQueuedTransferStruct' : 'cwmp:QueuedTransferStruct', list) };
  };

/** The RPCs about files. */
export const transferMethods = (transfers: Transfers): Record<string, Handler> => ({
  Download: download(transfers),
  Upload(_, rpc) {
    transfers.order(orderFrom(rpc, 'Upload'));
    return accepted();
  },
  ScheduleDownload(workshop, rpc) {
    transfers.order({ ...orderFrom(rpc, 'ScheduleDownload'), windows: windowsFrom(rpc, workshop) });
    return '';
  },
  CancelTransfer(_, rpc) {
    transfers.cancel(keyArgument(rpc, 'CommandKey'));
    return '';
  },
  GetQueuedTransfers: queued(transfers, false),
  GetAllQueuedTransfers: queued(transfers, true),
});
