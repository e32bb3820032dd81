/**
 * Why a datagram was dropped: values of the label `reason` of `trivet_datagrams_dropped_total`. A dropped message whose
 * header says that it is confirmable is answered with a reset (RFC 7252 4.2), so its sender does not repeat it.
 */
export const dropReasons = Object.freeze({
  'too-short': 'fewer than the four octets of a CoAP header',
  'too-large': 'longer than the setting maximumDatagram',
  'wrong-version': 'CoAP version is not 1',
  'bad-token-length': 'token length 9 to 15',
  'bad-empty-message': 'code 0.00 with a token, options or payload, or of type NON',
  'reserved-code': 'code of a reserved class, or a request in an ACK or RST',
  'bad-options': 'an option runs past the end of the datagram, or has a reserved length',
  'too-many-options': 'more than 64 options',
  'bad-payload': 'payload marker without payload',
  'unknown-critical-option': 'a message other than a CON request has a critical option that is unknown or malformed',
  duplicate: 'message ID was seen before; the last answer was sent again, where there is one',
  'unknown-message-id': 'ACK or RST that belongs to nothing that is under way with this peer',
  'token-mismatch': 'ACK of a request, but with the token of another one',
  'unknown-token': 'response or notification that nobody asked this peer for; answered with a reset',
  'stale-notification': 'notification older than the last one (RFC 7641 3.4)',
  'too-many-peers': 'all remembered peers are busy (setting maximumPeers)',
  'too-many-unanswered': 'this peer has too many requests that are not answered yet (setting maximumUnansweredPerPeer)',
  'report-failed': 'a notification could not be stored; it is not acknowledged, the device sends it again',
  'send-failed': 'the socket refused to send',
});

export type DropReason = keyof typeof dropReasons;
