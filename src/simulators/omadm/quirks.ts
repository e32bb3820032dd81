/** What real clients do against the letter of OMA DM, by name: what was observed on libdmclient, Koneki and Windows. */
export const quirks = {
  'plain-content-type': 'sends application/vnd.syncml+xml and +wbxml, without .dm',
  'same-session-id': 'always has the SessionID 1',
  'needs-server-credential': 'answers every command with 0 until the server has shown who it is',
  'basic-only': 'ends the session without a word when it is asked for another scheme than Basic',
  'device-info-nodes': 'sends interior nodes of DevInfo, too',
  'nonce-every-message': 'hands over a next nonce in every message',
  'status-per-item': 'answers each Item with a Status of its own',
  'atomic-unanswered': 'has no Status for Atomic, and rolls nothing back',
  'no-copy': 'answers Copy with 501',
  'no-list': 'answers ?list= with 406',
  'no-rename': 'answers a new name with 405',
  'nul-in-data': 'ends child lists and Format with a NUL octet',
  'ignores-more-data': 'takes the first chunk of a large object for the whole',
  'crashes-on-sequence': 'dies of a Sequence',
  'crashes-without-data': 'dies of an Add without Data, and of an empty first Item of a user interaction',
  'credential-every-message': 'sends a Cred with every message',
  'empty-later-credential': 'sends an empty Cred in a session that it begins because of an alert',
  'no-target-refs': 'sends no TargetRef and no SourceRef, one Status for all Items',
  'no-atomic': 'answers Atomic with 406',
  'no-interaction': 'answers user interaction with 406',
  'copy-ends-session': 'ends the session without a word at a Copy',
  'size-ends-session': 'ends the session without a word at a Size or MoreData',
  'refuses-abort': 'answers 1223 with 406',
  'strict-order': 'ends the session at a Meta after its Item, or at Data before Meta',
  'type-before-format': 'writes Meta in the order Type, Format, Mark',
  'header-status-200': 'answers the header with 200, never 212',
  'command-ids-from-2': 'counts its first commands from 2',
  'no-correlator': 'never returns a Correlator',
  'ignores-response-uri': 'sends every message to the first address',
  'device-info-without-meta': 'sends DevInfo without Meta',
  'login-status': 'sends an alert 1224 without Format',
  'replace-202': 'answers Replace with 202',
  'no-maximum-size': 'does not say how long a message may be',
  'original-error': 'adds an error number of its own to Data of a failed Status',
  'no-declaration': 'sends no XML declaration',
} as const;

export type Quirk = keyof typeof quirks;

export const quirkNames = Object.keys(quirks) as Quirk[];

/** A client that somebody has seen, as its quirks. */
export type Dialect = 'libdmclient' | 'koneki' | 'windows';

export const dialects: Readonly<Record<Dialect, readonly Quirk[]>> = {
  libdmclient: [
    'plain-content-type',
    'same-session-id',
    'needs-server-credential',
    'basic-only',
    'device-info-nodes',
    'nonce-every-message',
    'status-per-item',
    'atomic-unanswered',
    'no-copy',
    'no-list',
    'no-rename',
    'nul-in-data',
    'ignores-more-data',
    'crashes-on-sequence',
    'crashes-without-data',
  ],
  koneki: [
    'same-session-id',
    'credential-every-message',
    'empty-later-credential',
    'no-target-refs',
    'no-atomic',
    'no-interaction',
    'no-list',
    'copy-ends-session',
    'size-ends-session',
    'refuses-abort',
    'strict-order',
    'type-before-format',
  ],
  windows: [
    'no-target-refs',
    'header-status-200',
    'command-ids-from-2',
    'no-correlator',
    'no-copy',
    'no-interaction',
    'ignores-response-uri',
    'device-info-without-meta',
    'login-status',
    'replace-202',
    'no-maximum-size',
    'original-error',
    'no-declaration',
  ],
};

/** Throws when a name is none. */
export function checkQuirks(wanted: readonly string[]): ReadonlySet<Quirk> {
  const unknown = wanted.find((name) => !(name in quirks));
  if (unknown !== undefined) throw new Error(`${unknown} is no quirk; there are ${quirkNames.join(', ')}`);
  return new Set(quirkNames.filter((name) => wanted.includes(name)));
}
