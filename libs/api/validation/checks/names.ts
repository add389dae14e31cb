/** The forms of names in Kubernetes. Each function returns what is wrong with a text, in Kubernetes' words; nothing when it is right. */

/** Kubernetes counts bytes, and names are ASCII; texts that are not fail their pattern as well. */
export function maxLength(bytesMax: number): string {
  return `must be no more than ${bytesMax} bytes`;
}

function patternMessage(message: string, pattern: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${pattern}')`;
  return `${message} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`;
}

const labelPattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomainPattern = `${labelPattern}(\\.${labelPattern})*`;
const label1035Pattern = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedPattern = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValuePattern = `(${qualifiedPattern})?`;
const configKeyPattern = '[-._a-zA-Z0-9]+';
const headerPattern = '[-A-Za-z0-9]+';
const percentPattern = '[0-9]+%';

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const label = whole(labelPattern);
const subdomain = whole(subdomainPattern);
const label1035 = whole(label1035Pattern);
const qualified = whole(qualifiedPattern);
const labelValueForm = whole(labelValuePattern);
const configKeyForm = whole(configKeyPattern);
const headerForm = whole(headerPattern);
const percentForm = whole(percentPattern);
const wildcardSubdomain = whole(`\\*\\.${subdomainPattern}`);

export function isDnsLabel(text: string): readonly string[] {
  const messages: string[] = [];
  if (text.length > 63) messages.push(maxLength(63));
  if (label.test(text)) return messages;
  if (subdomain.test(text)) return [...messages, 'must not contain dots'];
  const rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  return [...messages, patternMessage(rule, labelPattern, 'my-name', '123-abc')];
}

export function isDnsSubdomain(text: string): readonly string[] {
  const messages: string[] = [];
  if (text.length > 253) messages.push(maxLength(253));
  if (subdomain.test(text)) return messages;
  const rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [...messages, patternMessage(rule, subdomainPattern, 'example.com')];
}

export function isDns1035Label(text: string): readonly string[] {
  const messages: string[] = [];
  if (text.length > 63) messages.push(maxLength(63));
  if (label1035.test(text)) return messages;
  const rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return [...messages, patternMessage(rule, label1035Pattern, 'my-name', 'abc-123')];
}

export function isWildcardSubdomain(text: string): readonly string[] {
  if (wildcardSubdomain.test(text)) return text.length > 253 ? [maxLength(253)] : [];
  const rule =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return [patternMessage(rule, `\\*\\.${subdomainPattern}`, '*.example.com')];
}

/** `name` or `prefix/name`: keys of labels and annotations, resource names, taint keys. */
export function isQualifiedName(text: string): readonly string[] {
  const parts = text.split('/');
  const rule = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  if (parts.length > 2) {
    const message = patternMessage(`a qualified name ${rule}`, qualifiedPattern, 'MyName', 'my.name', '123-abc');
    return [`${message} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const messages: string[] = [];
  const [prefix, name] = parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : [undefined, parts[0] ?? ''];
  if (prefix === '') messages.push('prefix part must be non-empty');
  else if (prefix !== undefined) messages.push(...isDnsSubdomain(prefix).map((message) => `prefix part ${message}`));
  if (name === '') messages.push('name part must be non-empty');
  else if (name.length > 63) messages.push(`name part ${maxLength(63)}`);
  if (!qualified.test(name)) messages.push(patternMessage(`name part ${rule}`, qualifiedPattern, 'MyName', 'my.name', '123-abc'));
  return messages;
}

export function isLabelValue(text: string): readonly string[] {
  const messages: string[] = [];
  if (text.length > 63) messages.push(maxLength(63));
  if (labelValueForm.test(text)) return messages;
  const rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  return [...messages, patternMessage(rule, labelValuePattern, 'MyValue', 'my_value', '12345')];
}

/** Keys of ConfigMaps and Secrets: they become file names. */
export function isConfigKey(text: string): readonly string[] {
  const messages: string[] = [];
  if (text.length > 253) messages.push(maxLength(253));
  if (!configKeyForm.test(text)) {
    const rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    messages.push(patternMessage(rule, configKeyPattern, 'key.name', 'KEY_NAME', 'key-name'));
  }
  if (text === '.') messages.push("must not be '.'");
  else if (text === '..') messages.push("must not be '..'");
  else if (text.startsWith('..')) messages.push("must not start with '..'");
  return messages;
}

export function isEnvName(text: string): readonly string[] {
  return /^[ -<>-~]*$/.test(text)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function isPortName(text: string): readonly string[] {
  const messages: string[] = [];
  if (text.length > 15) messages.push(maxLength(15));
  if (!/^[-a-z0-9]+$/.test(text)) messages.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(text)) messages.push('must contain at least one letter (a-z)');
  if (text.includes('--')) messages.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) messages.push('must not begin or end with a hyphen');
  return messages;
}

export function isHeaderName(text: string): readonly string[] {
  const rule = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return headerForm.test(text) ? [] : [patternMessage(rule, headerPattern, 'X-Header-Name')];
}

export function isPercent(text: string): readonly string[] {
  const rule = "a valid percent string must be a numeric string followed by an ending '%'";
  return percentForm.test(text) ? [] : [patternMessage(rule, percentPattern, '1%', '93%')];
}

/** What can stand as one segment of a URL: names of RBAC objects and of references. */
export function isPathSegment(text: string): readonly string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((part) => text.includes(part)).map((part) => `may not contain '${part}'`);
}

/** The form of a generated name's stem: it may end in a dash, because letters will follow. */
export function asStem(check: (text: string) => readonly string[]): (text: string) => readonly string[] {
  return (text) => check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);
}
