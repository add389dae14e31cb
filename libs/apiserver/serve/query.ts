/** Reading query parameters, with the refusals that Kubernetes words for them. */
import type { StatusError } from '../../api/index.js';
import { badRequest, invalid } from '../status.js';
import { isTrue } from '../request/request-info.js';

export type Query = ReadonlyMap<string, readonly string[]>;

export function queryText(query: Query, name: string): string {
  return query.get(name)?.[0] ?? '';
}

export function queryFlag(query: Query, name: string): boolean {
  return isTrue(query.get(name)?.[0]);
}

/** A whole number of at least 0; `undefined` where absent or empty. Throws BadRequest. */
export function queryNumber(query: Query, name: string): number | undefined {
  const value = queryText(query, name);
  if (value === '') return undefined;
  if (!/^-?\d{1,15}$/.test(value)) throw badRequest(`strconv.ParseInt: parsing "${value}": invalid syntax`);
  return Number(value);
}

const optionKinds: Readonly<Record<string, string>> = {
  POST: 'CreateOptions',
  PUT: 'UpdateOptions',
  PATCH: 'PatchOptions',
  DELETE: 'DeleteOptions',
};

/** An option's value that is none of those that it has. */
export function unsupportedOption(method: string, option: string, value: string, supported: readonly string[]): StatusError {
  const kind = optionKinds[method] ?? 'CreateOptions';
  const message = `Unsupported value: "${value}": supported values: ${supported.map((each) => `"${each}"`).join(', ')}`;
  return invalid({ group: 'meta.k8s.io', kind }, '', [{ path: option, type: 'FieldValueNotSupported', message }]);
}

/** `dryRun=All`; anything else is refused rather than taken for a real write. */
export function dryRunOf(values: readonly string[], method = 'POST'): boolean {
  for (const value of values) if (value !== 'All' && value !== '') throw unsupportedOption(method, 'dryRun', value, ['All']);
  return values.includes('All');
}
