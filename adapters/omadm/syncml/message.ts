/**
 * A SyncML message of OMA DM 1.1 to 1.3, free of its encoding: what XML and WBXML say alike (SyncML Representation 1.2, DM
 * Representation 1.2.1). Elements that have no meaning in DM are not here: they are ignored on the way in and never sent.
 */

export interface SyncmlMessage {
  header: Header;
  /** In the order of the document. */
  commands: Command[];
  /** Last message of its package. */
  final: boolean;
}

export interface Header {
  /** VerDTD: `1.2`, `1.1`. */
  representation: string;
  /** VerProto: `DM/1.2`, `DM/1.3`, `DM/1.1`. */
  protocol: string;
  /** Opaque text. */
  sessionId: string;
  /** Counts the messages of its sender from 1. */
  messageId: string;
  target: Address;
  source: Address;
  /** Sent by the server only: where the next message goes. */
  responseUri?: string;
  credential?: Credential;
  meta?: Meta;
}

export interface Address {
  uri: string;
  /** LocName: the user name of a credential that hides it. */
  name?: string;
}

/** Children of Meta, whatever their namespace. */
export interface Meta {
  format?: string;
  type?: string;
  /** Octets of the whole object; first chunk of a large one. */
  size?: number;
  mark?: string;
  /** Base64. */
  nextNonce?: string;
  maximumMessageSize?: number;
  maximumObjectSize?: number;
}

export interface Credential {
  meta?: Meta;
  data: string;
}

/** How the receiver shall prove who he is, next time. */
export interface Challenge {
  /** `syncml:auth-md5`. */
  type: string;
  format?: string;
  /** Base64. */
  nextNonce?: string;
}

/** Content of Data: text as it is meant (unescaped), octets where WBXML has opaque ones, markup where the element holds elements. */
export type Data = string | Uint8Array | { markup: string };

export interface Item {
  target?: string;
  source?: string;
  meta?: Meta;
  data?: Data;
  /** There is more of this object in the next message. */
  moreData?: boolean;
}

interface Numbered {
  /** CmdID: unique in its message; empty: the device has left it out. */
  id: string;
}

export interface TreeCommand extends Numbered {
  command: 'Get' | 'Add' | 'Replace' | 'Delete' | 'Copy';
  meta?: Meta;
  items: Item[];
}

export interface Exec extends Numbered {
  command: 'Exec';
  meta?: Meta;
  /** Comes back in the alert that tells the result. */
  correlator?: string;
  items: Item[];
}

export interface Alert extends Numbered {
  command: 'Alert';
  /** 1201, 1226 … ; 0: there was none that could be read. */
  code: number;
  correlator?: string;
  /** Of the whole command; an item has the last word. */
  meta?: Meta;
  items: Item[];
}

export interface CommandGroup extends Numbered {
  command: 'Atomic' | 'Sequence';
  commands: Command[];
}

export interface Status extends Numbered {
  command: 'Status';
  /** MsgID of the message that is answered. */
  messageRef: string;
  /** CmdID of the command that is answered; `0`: the header. */
  commandRef: string;
  /** Name of the command that is answered. */
  answered: string;
  targetRefs: string[];
  sourceRefs: string[];
  challenge?: Challenge;
  /** 0: there was none that could be read. */
  code: number;
  /** Attribute of Data: the device's own number of what went wrong, `0x80070002`. */
  originalError?: string;
  items: Item[];
}

export interface Results extends Numbered {
  command: 'Results';
  messageRef?: string;
  commandRef: string;
  meta?: Meta;
  targetRefs: string[];
  sourceRefs: string[];
  items: Item[];
}

/** A command that is not ours to know, answered with 406 or 501. */
export interface UnknownCommand extends Numbered {
  command: 'unknown';
  name: string;
}

export type Command = TreeCommand | Exec | Alert | CommandGroup | Status | Results | UnknownCommand;
