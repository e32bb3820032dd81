/** Which part of a message is spoilt, for `malformed`. */
export type Malformation = 'truncated' | 'misnested' | 'not-syncml' | 'entity-bomb' | 'deep' | 'huge' | 'unescaped';

/** What goes wrong. All of it can be changed while the client runs; counted faults count down. */
export interface Faults {
  /**
   * Dies around message n of a session, counted from 1. `unsent`: what was asked is done, and the message never leaves; `sent`: it is out, the answer is
   * not read; `answered` (default): the answer was read and nothing follows. `power` (default): boots again; `connection`: only the session is lost.
   */
  die?: { message: number; moment?: 'unsent' | 'sent' | 'answered'; how?: 'power' | 'connection'; times?: number };
  /** Commands that get this status. `path`: those whose URI begins so; `times`: default always. */
  refuse?: { command: string; code: number; path?: string; times?: number; originalError?: string }[];
  /** Commands that are carried out, and get no Status at all. */
  unanswered?: { command: string; path?: string; times?: number }[];
  /** Result code with which every operation of this kind ends. */
  firmwareResult?: number;
  softwareResult?: number;
  /** Result code of LAWMO, DCMO and DiagMon. */
  operationResult?: number;
  /** Exec of firmware and software is answered when the work is done, with 200 and no alert. */
  synchronous?: boolean;
  /** The alert that tells a result: never, twice, or without the Correlator. */
  resultAlert?: 'never' | 'twice' | 'without-correlator';
  /** A download is in progress for ever; it begins anew at boot. */
  stuckDownload?: boolean;
  /** Reports a successful update, but still runs the old version. */
  keepsOldVersion?: boolean;
  /** Restarts in the middle of an Exec of a restart or factory reset: its Status is never sent. */
  silentRestart?: boolean;
  /** Never comes back after a restart. */
  staysDown?: boolean;
  /** Sends message n of a session twice, octet by octet the same. */
  repeatMessage?: { message: number; times?: number };
  /** MsgID of message n. */
  wrongMessageId?: { message: number; id: string };
  /** Sends message n to a RespURI that the server has not given: `forged` with another token, `older` to that of the session before. */
  responseUri?: { message: number; how: 'forged' | 'older' | 'ignored'; times?: number };
  /** Proves itself with a wrong nonce or a wrong secret. */
  credential?: 'wrong-nonce' | 'wrong-secret' | 'nonce-as-text' | 'empty';
  /** Statuses refer to another command or message than that of the server. */
  wrongReference?: 'command' | 'message';
  /** Ends the session with 1223 in message n. */
  abort?: { message: number; times?: number };
  /** Never ends its package: no Final, ever. */
  withoutFinal?: boolean;
  /** A result that is never complete: each chunk has MoreData. */
  endlessMoreData?: boolean;
  /** Announces a result of 1 GB, and sends one octet of it. */
  hugeSize?: boolean;
  /** The last chunk of a result never comes; the next object begins. */
  breaksOffChunks?: boolean;
  /** Size of a large result is off by one. */
  wrongSize?: boolean;
  /** ms before each message. */
  delay?: number;
  /** Sends its messages in small pieces, one every so many ms. */
  trickle?: number;
  /** Spoils message n of a session. */
  malformed?: { message: number; how: Malformation; times?: number };
  /** Notifications are ignored. */
  deaf?: boolean;
  /** Is not on the net. */
  offline?: boolean;
}

/** The faults by the names of the command line. */
export const namedFaults: Readonly<Record<string, { help: string; faults: Faults }>> = {
  'refuse-exec': { help: 'answers Exec with 405', faults: { refuse: [{ command: 'Exec', code: 405 }] } },
  'refuse-replace': { help: 'answers Replace with 425', faults: { refuse: [{ command: 'Replace', code: 425 }] } },
  'firmware-failure': { help: 'ends every firmware update with 410', faults: { firmwareResult: 410 } },
  'software-failure': { help: 'ends every software operation with 1405', faults: { softwareResult: 1405 } },
  'no-result-alert': { help: 'never tells the result of an operation', faults: { resultAlert: 'never' } },
  'stuck-download': { help: 'never ends a download', faults: { stuckDownload: true } },
  'old-version': { help: 'reports a successful update but runs the old version', faults: { keepsOldVersion: true } },
  'silent-restart': { help: 'restarts without answering the Exec', faults: { silentRestart: true } },
  'wrong-secret': { help: 'proves itself with a wrong secret', faults: { credential: 'wrong-secret' } },
  deaf: { help: 'ignores notifications', faults: { deaf: true } },
  slow: { help: 'waits 2 s before each message', faults: { delay: 2000 } },
  'power-cut': { help: 'loses power after the second message of its first session', faults: { die: { message: 2 } } },
};

interface Counted {
  command: string;
  path?: string;
  times?: number;
}

/** The first of the faults that is about this command, counted down. */
export function faultFor<Fault extends Counted>(
  list: readonly Fault[] | undefined,
  command: string,
  path: string,
): Fault | undefined {
  const found = list?.find((one) => one.command === command && (one.times ?? 1) > 0 && path.startsWith(one.path ?? ''));
  if (found?.times !== undefined) found.times -= 1;
  return found;
}

/** Whether a counted fault is due at this message; counts it down. */
export function isDue(fault: { message: number; times?: number } | undefined, message: number): boolean {
  if (!fault || fault.message !== message || (fault.times ?? 1) <= 0) return false;
  fault.times = (fault.times ?? 1) - 1;
  return true;
}
