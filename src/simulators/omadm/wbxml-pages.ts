/** Tokens of SyncML, MetInf and DMDDF 1.2 (SyncML Representation 1.2, 8; DM TND 1.2, 10) from 05 on, one list for each code page. */
const syncml =
  'Add Alert Archive Atomic Chal Cmd CmdID CmdRef Copy Cred Data Delete Exec Final Get Item Lang LocName LocURI Map MapItem Meta MsgID MsgRef NoResp NoResults Put Replace RespURI Results Search Sequence SessionID SftDel Source SourceRef Status Sync SyncBody SyncHdr SyncML Target TargetRef - VerDTD VerProto NumberOfChanges MoreData Field Filter Record FilterType SourceParent TargetParent Move Correlator';
const metinf =
  'Anchor EMI Format FreeID FreeMem Last Mark MaxMsgSize Mem MetInf Next NextNonce SharedMem Size Type Version MaxObjSize FieldLevel';
const dmddf =
  'AccessType ACL Add b64 bin bool chr CaseSense CIS Copy CS date DDFName DefaultValue Delete Description DFFormat DFProperties DFTitle DFType Dynamic Exec float Format Get int Man MgmtTree MIME Mod Name Node node NodeName null Occurrence One OneOrMore OneOrN Path Permanent Replace RTProperties Scope Size time Title TStamp Type Value VerDTD VerNo xml ZeroOrMore ZeroOrN ZeroOrOne';

export interface Page {
  namespace: string;
  names: readonly string[];
}

export const firstToken = 5;

export const pages: readonly Page[] = [
  { namespace: 'SYNCML:SYNCML1.2', names: syncml.split(' ') },
  { namespace: 'syncml:metinf', names: metinf.split(' ') },
  { namespace: 'syncml:dmddf1.2', names: dmddf.split(' ') },
];

/** Public identifiers of SyncML 1.2 and 1.1. */
export const publicIds: Readonly<Record<string, number>> = { 'SYNCML:SYNCML1.2': 0x1201, 'SYNCML:SYNCML1.1': 0x0fd3 };
