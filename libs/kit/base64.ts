/** Base64 (RFC 4648) between texts, for Secret values in code that has no host types. Bytes that are not UTF-8 become U+FFFD. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUE_OF: ReadonlyMap<string, number> = new Map(ALPHABET.split('').map((letter, value) => [letter, value]));

/** The UTF-8 text behind standard base64; whitespace is ignored, what is not base64 gives `undefined`. */
export function decodeBase64(text: string): string | undefined {
  const bytes = base64Bytes(text);
  return bytes === undefined ? undefined : utf8Text(bytes);
}

/** Standard base64 with padding of the UTF-8 form of `text`. */
export function encodeBase64(text: string): string {
  const bytes = utf8Bytes(text);
  let out = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b, c] = [bytes[at], bytes[at + 1], bytes[at + 2]];
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    out += letter(bits >> 18) + letter(bits >> 12);
    out += b === undefined ? '=' : letter(bits >> 6);
    out += c === undefined ? '=' : letter(bits);
  }
  return out;
}

function letter(bits: number): string {
  return ALPHABET[bits & 63] ?? '';
}

function base64Bytes(text: string): readonly number[] | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const character of text.replace(/[\s=]/g, '')) {
    const value = VALUE_OF.get(character);
    if (value === undefined) return undefined;
    bits = ((bits << 6) | value) & 0xffffff;
    count += 6;
    if (count >= 8) bytes.push((bits >> (count -= 8)) & 0xff);
  }
  return bytes;
}

function utf8Bytes(text: string): readonly number[] {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), continuation(point));
    else if (point < 0x1_0000) bytes.push(0xe0 | (point >> 12), continuation(point >> 6), continuation(point));
    else bytes.push(0xf0 | (point >> 18), continuation(point >> 12), continuation(point >> 6), continuation(point));
  }
  return bytes;
}

function continuation(bits: number): number {
  return 0x80 | (bits & 0x3f);
}

function utf8Text(bytes: readonly number[]): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const [point, length] = codePointAt(bytes, at);
    text += String.fromCodePoint(point);
    at += length;
  }
  return text;
}

const REPLACEMENT = 0xfffd;
const SMALLEST_POINT = [0, 0, 0x80, 0x800, 0x1_0000];

function codePointAt(bytes: readonly number[], at: number): readonly [point: number, length: number] {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return [first, 1];
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return [REPLACEMENT, 1];
  let point = first & (0x7f >> length);
  for (let offset = 1; offset < length; offset++) {
    const next = bytes[at + offset];
    if (next === undefined || (next & 0xc0) !== 0x80) return [REPLACEMENT, offset];
    point = (point << 6) | (next & 0x3f);
  }
  const isValid = point >= (SMALLEST_POINT[length] ?? 0) && point <= 0x10_ffff && !(point >= 0xd800 && point <= 0xdfff);
  return [isValid ? point : REPLACEMENT, length];
}
