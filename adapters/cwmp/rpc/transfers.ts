/** Files: Download, Upload, ScheduleDownload, CancelTransfer and the queue of transfers (TR-069 A.3.2.8, A.4.1). */
import type { Element } from '../soap.ts';
import { xml } from '../xml.ts';
import { arrayOf, booleanIn, countIn, listIn, method, statusIn, timeIn, wordIn, type NoArguments } from './method.ts';

export interface DownloadRequest {
  commandKey: string;
  fileType: string;
  url: string;
  username?: string;
  password?: string;
  /** Octets; 0 = not known. */
  fileSize?: number;
  targetFileName?: string;
  delaySeconds?: number;
  successUrl?: string;
  failureUrl?: string;
}

export interface UploadRequest {
  commandKey: string;
  fileType: string;
  url: string;
  username?: string;
  password?: string;
  delaySeconds?: number;
}

export interface TimeWindow {
  /** s from now. */
  start: number;
  end: number;
  /** `1 At Any Time`, `2 Immediately`, `3 When Idle`, `4 Confirmation Needed`. */
  mode: string;
  userMessage?: string;
  /** -1 = without limit. */
  maximumRetries?: number;
}

export interface ScheduledDownload {
  commandKey: string;
  fileType: string;
  url: string;
  username?: string;
  password?: string;
  fileSize?: number;
  targetFileName?: string;
  windows: readonly TimeWindow[];
}

export interface QueuedTransfer {
  commandKey: string;
  /** 1 not started, 2 in progress, 3 completed. */
  state: number;
  isDownload?: boolean;
  fileType?: string;
  fileSize?: number;
  targetFileName?: string;
}

/** Status 0: done already, and no TransferComplete will come. Times: s since 1970. */
export interface TransferAnswer {
  status: 0 | 1;
  startTime?: number;
  completeTime?: number;
}

export const transferMethods = {
  Download: method(
    (one: DownloadRequest) =>
      xml`<CommandKey>${one.commandKey}</CommandKey><FileType>${one.fileType}</FileType><URL>${one.url}</URL><Username>${one.username ?? ''}</Username><Password>${one.password ?? ''}</Password><FileSize>${one.fileSize ?? 0}</FileSize><TargetFileName>${one.targetFileName ?? ''}</TargetFileName><DelaySeconds>${one.delaySeconds ?? 0}</DelaySeconds><SuccessURL>${one.successUrl ?? ''}</SuccessURL><FailureURL>${one.failureUrl ?? ''}</FailureURL>`,
    readTransferAnswer,
  ),
  Upload: method(
    (one: UploadRequest) =>
      xml`<CommandKey>${one.commandKey}</CommandKey><FileType>${one.fileType}</FileType><URL>${one.url}</URL><Username>${one.username ?? ''}</Username><Password>${one.password ?? ''}</Password><DelaySeconds>${one.delaySeconds ?? 0}</DelaySeconds>`,
    readTransferAnswer,
  ),
  ScheduleDownload: method(
    (one: ScheduledDownload) => {
      const windows = one.windows.map(
        ({ start, end, mode, userMessage, maximumRetries }) =>
          xml`<TimeWindowStruct><WindowStart>${start}</WindowStart><WindowEnd>${end}</WindowEnd><WindowMode>${mode}</WindowMode><UserMessage>${userMessage ?? ''}</UserMessage><MaxRetries>${maximumRetries ?? -1}</MaxRetries></TimeWindowStruct>`,
      );
      return xml`<CommandKey>${one.commandKey}</CommandKey><FileType>${one.fileType}</FileType><URL>${one.url}</URL><Username>${one.username ?? ''}</Username><Password>${one.password ?? ''}</Password><FileSize>${one.fileSize ?? 0}</FileSize><TargetFileName>${one.targetFileName ?? ''}</TargetFileName>${arrayOf('TimeWindowList', 'cwmp:TimeWindowStruct', windows)}`;
    },
    () => ({}),
  ),
  CancelTransfer: method(
    ({ commandKey }: { commandKey: string }) => xml`<CommandKey>${commandKey}</CommandKey>`,
    () => ({}),
  ),
  GetAllQueuedTransfers: method<NoArguments, { transfers: QueuedTransfer[] }>(
    () => xml``,
    (response) => ({ transfers: listIn(response, 'TransferList').map(readQueued) }),
  ),
};

function readTransferAnswer(response: Element): TransferAnswer {
  return {
    status: statusIn(response),
    startTime: timeIn(response, 'StartTime'),
    completeTime: timeIn(response, 'CompleteTime'),
  };
}

function readQueued(entry: Element): QueuedTransfer {
  return {
    commandKey: wordIn(entry, 'CommandKey'),
    state: countIn(entry, 'State') ?? 0,
    isDownload: booleanIn(entry, 'IsDownload'),
    fileType: wordIn(entry, 'FileType') || undefined,
    fileSize: countIn(entry, 'FileSize'),
    targetFileName: wordIn(entry, 'TargetFileName') || undefined,
  };
}
