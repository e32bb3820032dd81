/** Numbers of WBXML 1.3 and of the SyncML code pages (SyncML Representation 1.2, 8; DM TND 1.2 for page 2). */

export const globalToken = Object.freeze({
  switchPage: 0x00,
  end: 0x01,
  entity: 0x02,
  inlineString: 0x03,
  literal: 0x04,
  /** EXT_I_0 to 2: a string follows. */
  extensionInline: 0x40,
  processingInstruction: 0x43,
  /** EXT_T_0 to 2: a number follows. */
  extensionTable: 0x80,
  tableString: 0x83,
  /** EXT_0 to 2: nothing follows. */
  extensionSingle: 0xc0,
  opaque: 0xc3,
});

export const withContent = 0x40;
export const withAttributes = 0x80;
export const firstToken = 0x05;

/** IANA MIBenum. */
export const charsetUtf8 = 106;
export const charsetLatin1 = 4;

export const publicIds: Readonly<Record<'1.1' | '1.2', number>> = Object.freeze({ '1.1': 0x0fd3, '1.2': 0x1201 });

function page(names: string): readonly string[] {
  return Object.freeze(names.trim().split(/\s+/));
}

/** Names by page and token, from token 5. `-` is reserved. */
export const pages: readonly (readonly string[])[] = Object.freeze([
  page(`Add Alert Archive Atomic Chal Cmd CmdID CmdRef Copy Cred Data Delete Exec Final Get Item Lang LocName LocURI Map MapItem
    Meta MsgID MsgRef NoResp NoResults Put Replace RespURI Results Search Sequence SessionID SftDel Source SourceRef Status Sync
    SyncBody SyncHdr SyncML Target TargetRef - VerDTD VerProto NumberOfChanges MoreData Field Filter Record FilterType
    SourceParent TargetParent Move Correlator`),
  page(`Anchor EMI Format FreeID FreeMem Last Mark MaxMsgSize Mem MetInf Next NextNonce SharedMem Size Type Version MaxObjSize
    FieldLevel`),
  page(`AccessType ACL Add b64 bin bool chr CaseSense CIS Copy CS date DDFName DefaultValue Delete Description DFFormat
    DFProperties DFTitle DFType Dynamic Exec float Format Get int Man MgmtTree MIME Mod Name Node node NodeName null Occurrence
    One OneOrMore OneOrN Path Permanent Replace RTProperties Scope Size time Title TStamp Type Value VerDTD VerNo xml ZeroOrMore
    ZeroOrN ZeroOrOne`),
]);

/** What XML says in a namespace, WBXML says by the page. Page 0 is that of the representation. */
export const pageNamespaces: readonly string[] = Object.freeze([
  'SYNCML:SYNCML1.2',
  'syncml:metinf',
  'syncml:dmddf1.2',
]);
