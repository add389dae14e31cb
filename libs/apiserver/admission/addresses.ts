/** IPv4 addresses of a CIDR as numbers. */
export interface AddressRange {
  readonly first: number;
  /** How many addresses, network and broadcast address included. */
  readonly size: number;
}

export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    const byte = /^\d{1,3}$/.test(part) ? Number(part) : 256;
    if (byte > 255) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** Throws where the text is not an IPv4 CIDR: it comes from the configuration. */
export function parseRange(cidr: string): AddressRange {
  const [address = '', bits = ''] = cidr.split('/');
  const base = parseAddress(address);
  if (base === undefined || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) throw new Error(`not an IPv4 CIDR: ${cidr}`);
  const size = 2 ** (32 - Number(bits));
  return { first: Math.floor(base / size) * size, size };
}

export function contains(range: AddressRange, address: number): boolean {
  return address >= range.first && address < range.first + range.size;
}
