/** TLV of {0: "Trivet Simulators", 1: "FLEET-1", 2: "fleet", 3: "1.0.0", 9: level, 16: "U"}. */
function deviceTlv(level: number): Buffer {
  const record = (id: number, value: string): Buffer => {
    const bytes = Buffer.from(value);
    const head = bytes.length < 8 ? [0xc0 | bytes.length, id] : [0xc8, id, bytes.length];
    return Buffer.concat([Buffer.from(head), bytes]);
  };
  return Buffer.concat([
    record(0, 'Trivet Simulators'),
    record(1, 'FLEET-1'),
    record(2, 'fleet'),
    record(3, '1.0.0'),
    Buffer.of(0xc1, 9, level),
    record(16, 'U'),
  ]);
}

function deviceJson(level: number): Buffer {
  return Buffer.from(
    JSON.stringify([
      { bn: '/3/0/', n: '0', vs: 'Trivet Simulators' },
      { n: '1', vs: 'FLEET-1' },
      { n: '2', vs: 'fleet' },
      { n: '3', vs: '1.0.0' },
      { n: '9', v: level },
      { n: '16', vs: 'U' },
    ]),
  );
}

const texts: Record<string, string> = {
  '0': 'Trivet Simulators',
  '1': 'FLEET-1',
  '2': 'fleet',
  '3': '1.0.0',
  '16': 'U',
};

/** The body of a path below /3/0 with this battery level, or undefined when a device of the fleet does not have it. */
export function bodyOf(
  path: string,
  accept: number | undefined,
  level: number,
): { format: number; payload: Buffer } | undefined {
  if (path === '3/0' || path === '3') {
    if (accept === 110) return { format: 110, payload: deviceJson(level) };
    const resources = deviceTlv(level);
    if (path === '3/0') return { format: 11_542, payload: resources };
    return { format: 11_542, payload: Buffer.concat([Buffer.of(0x08, 0, resources.length), resources]) };
  }
  const id = path.startsWith('3/0/') ? path.slice(4) : '';
  const text = id === '9' ? String(level) : texts[id];
  if (text === undefined) return undefined;
  if (accept === 110) {
    const value = id === '9' ? { v: level } : { vs: text };
    return { format: 110, payload: Buffer.from(JSON.stringify([{ bn: `/${path}`, ...value }])) };
  }
  if (accept !== 11_542) return { format: 0, payload: Buffer.from(text) };
  const value = id === '9' ? Buffer.of(level) : Buffer.from(text);
  const head = value.length < 8 ? [0xc0 | value.length, Number(id)] : [0xc8, Number(id), value.length];
  return { format: 11_542, payload: Buffer.concat([Buffer.from(head), value]) };
}
