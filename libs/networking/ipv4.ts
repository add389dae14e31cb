/** Arithmetic on IPv4 addresses and CIDR blocks written as text. */

export interface CidrBlock {
  readonly base: number;
  readonly prefix: number;
  /** Number of addresses in the block. */
  readonly size: number;
}

/** The address as an unsigned number; `undefined` where the text is not a dotted quad. */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

/** Parses `10.244.1.0/24`; host bits are cleared. Throws when the text is not a block. */
export function parseCidr(text: string): CidrBlock {
  const [address = '', length = ''] = text.split('/');
  const value = parseIpv4(address);
  const prefix = /^\d{1,2}$/.test(length) ? Number(length) : 33;
  if (value === undefined || prefix > 32) throw new Error(`not an IPv4 block: "${text}"; write it like 10.244.1.0/24`);
  const size = 2 ** (32 - prefix);
  return { base: value - (value % size), prefix, size };
}

export function cidrContains(block: CidrBlock, address: string): boolean {
  const value = parseIpv4(address);
  return value !== undefined && value >= block.base && value < block.base + block.size;
}

/** The `index`th address of the block: 0 is the network's own, 1 the gateway. */
export function cidrAddress(block: CidrBlock, index: number): string {
  return formatIpv4(block.base + index);
}

/** A locally administered hardware address that everybody can derive from the IPv4 address; `kind` keeps the uses apart. */
export function macOf(address: string, kind: 'pod' | 'tunnel' | 'bridge' | 'host'): string {
  const value = parseIpv4(address);
  if (value === undefined) throw new Error(`not an IPv4 address: "${address}"`);
  const second = { pod: 'be', tunnel: 'bf', bridge: 'bd', host: 'bc' }[kind];
  const hex = [24, 16, 8, 0].map((shift) => ((value >>> shift) & 255).toString(16).padStart(2, '0'));
  return ['02', second, ...hex].join(':');
}
