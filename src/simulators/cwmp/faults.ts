/** Which part of a message is spoilt, for `malformed`. */
export type Malformation =
  | 'truncated'
  | 'misnested'
  | 'not-xml'
  | 'entity-bomb'
  | 'deep'
  | 'huge'
  | 'wrong-encoding'
  | 'soap-12';

/** What goes wrong. All of it can be changed while the device runs; counted faults count down. */
export interface Faults {
  /**
   * Dies around message n of a session; the Inform is message 1. `unsent`: what was asked is done, and the message never leaves. `sent`: the message is out, the answer is not read; `answered` (default): the answer was
   * read and nothing follows. `power` (default): comes back by 1 BOOT; `connection`: only the session is lost. `times`: default 1.
   */
  die?: { message: number; moment?: 'unsent' | 'sent' | 'answered'; how?: 'power' | 'connection'; times?: number };
  /** RPCs that are refused. `path` matches names in the request that begin so; `times`: default always. */
  refuse?: { method: string; code: number; text?: string; path?: string; times?: number }[];
  /** RPCs that get an empty POST instead of an answer. */
  emptyAnswer?: string[];
  /** Every transfer ends with this fault code, 9001, 9002, 9010 to 9020. */
  transferFailure?: number;
  /** Fetches and sends files without the credentials that it was told. */
  withoutCredentials?: boolean;
  /** A transfer is in progress for ever; it begins anew at boot. */
  stuckTransfer?: boolean;
  /** `already`: DownloadResponse with Status 0 and no TransferComplete. */
  transferComplete?: 'never' | 'twice' | 'without-event' | 'without-key' | 'already';
  /** No room: Download is answered with 9004. */
  storageFull?: boolean;
  /** Reports a successful update, but still runs the old version. */
  keepsOldVersion?: boolean;
  /** Every operation of ChangeDUState ends with this fault code. */
  softwareFailure?: number;
  /** DUStateChangeComplete never comes. */
  softwareSilent?: boolean;
  /** Reboot and FactoryReset are done, but not answered. */
  silentReboot?: boolean;
  /** Never comes back after a reboot. */
  staysDown?: boolean;
  /** GetParameterValues and SetParameterValues of more names are answered with 9004. */
  maximumNames?: number;
  /** SetParameterValues is answered with Status 1. */
  appliesLater?: boolean;
  /** Answers RPCs with another cwmp:ID. */
  wrongId?: boolean;
  /** Answers RPCs by a response of another method. */
  wrongResponse?: boolean;
  /** Sends a response that nobody asked for in place of the empty POST. */
  unasked?: boolean;
  /** ms before each message. */
  delay?: number;
  /** Sends its messages in small pieces, one every so many ms. */
  trickle?: number;
  /** Spoils that message of a session; the Inform is message 1. */
  malformed?: { message: number; how: Malformation; times?: number };
  /** Connection requests: answered 200 and forgotten, 503, 404, without authentication, not at all, connection reset. */
  connectionRequest?: 'ignored' | 'busy' | 'not-found' | 'open' | 'silent' | 'reset';
  /** Is not on the net: opens no session and hears no connection request. */
  offline?: boolean;
}

/** The faults by the names of the command line. */
export const namedFaults: Readonly<Record<string, { help: string; faults: Faults }>> = {
  'refuse-write': {
    help: 'answers SetParameterValues with 9001',
    faults: { refuse: [{ method: 'SetParameterValues', code: 9001 }] },
  },
  'refuse-download': { help: 'answers Download with 9001', faults: { refuse: [{ method: 'Download', code: 9001 }] } },
  'refuse-reboot': { help: 'answers Reboot with 9001', faults: { refuse: [{ method: 'Reboot', code: 9001 }] } },
  'silent-reboot': { help: 'reboots without answering the RPC', faults: { silentReboot: true } },
  'download-failure': { help: 'ends every transfer with 9017', faults: { transferFailure: 9017 } },
  'server-unreachable': { help: 'ends every transfer with 9015', faults: { transferFailure: 9015 } },
  'bad-image': { help: 'ends every transfer with 9018', faults: { transferFailure: 9018 } },
  'no-credentials': {
    help: 'transfers files without the credentials that it was told',
    faults: { withoutCredentials: true },
  },
  'storage-full': { help: 'answers Download with 9004', faults: { storageFull: true } },
  'stuck-transfer': { help: 'never ends a transfer', faults: { stuckTransfer: true } },
  'no-transfer-complete': { help: 'never sends TransferComplete', faults: { transferComplete: 'never' } },
  'old-version': { help: 'reports a successful update but runs the old version', faults: { keepsOldVersion: true } },
  'software-failure': { help: 'ends every ChangeDUState with 9017', faults: { softwareFailure: 9017 } },
  busy: { help: 'answers connection requests with 503', faults: { connectionRequest: 'busy' } },
  deaf: { help: 'answers connection requests with 200 and forgets them', faults: { connectionRequest: 'ignored' } },
  slow: { help: 'waits 2 s before each message', faults: { delay: 2000 } },
  'power-cut': {
    help: 'loses power after the second message of its first session',
    faults: { die: { message: 2 } },
  },
};

/** A refusal for this RPC, counted down. `names` are the parameters and objects that it is about. */
export function refusalFor(
  faults: Faults,
  method: string,
  names: readonly string[],
): { code: number; text?: string } | undefined {
  const found = faults.refuse?.find(
    (one) =>
      one.method === method &&
      (one.times ?? 1) > 0 &&
      (one.path === undefined || names.some((name) => name.startsWith(one.path ?? ''))),
  );
  if (found?.times !== undefined) found.times -= 1;
  return found;
}

/** Whether a counted fault is due at this message; counts it down. */
export function isDue(fault: { message: number; times?: number } | undefined, message: number): boolean {
  if (!fault || fault.message !== message || (fault.times ?? 1) <= 0) return false;
  fault.times = (fault.times ?? 1) - 1;
  return true;
}
