/** IP addresses and ranges, as texts. */

const IPV4_PART = /^(0|[1-9]\d{0,2})$/;

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => IPV4_PART.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const embedded = last?.includes('.') === true;
  if (embedded && !isIpv4(last ?? '')) return false;
  const plain = embedded ? groups.slice(0, -1) : groups;
  const size = plain.length + (embedded ? 2 : 0);
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? size < 8 : size === 8;
}

/** 4 or 6; `undefined` where the text is no address. */
export function ipFamily(text: string): 4 | 6 | undefined {
  if (isIpv4(text)) return 4;
  return isIpv6(text) ? 6 : undefined;
}

export function isIp(text: string): readonly string[] {
  return ipFamily(text) === undefined ? ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'] : [];
}

export function isCidr(text: string): readonly string[] {
  const [address = '', length = '', ...rest] = text.split('/');
  const family = ipFamily(address);
  const bitsMax = family === 4 ? 32 : 128;
  const right = family !== undefined && rest.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= bitsMax;
  return right ? [] : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'];
}
