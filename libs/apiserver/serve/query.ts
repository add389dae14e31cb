/** Reading query parameters, with the refusals that Kubernetes words for them. */
import { badRequest } from '../status.js';
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

/** `dryRun=All`; anything else is refused rather than taken for a real write. */
export function dryRunOf(values: readonly string[]): boolean {
  for (const value of values) {
    if (value !== 'All' && value !== '') {
      throw badRequest(`dryRun: Unsupported value: "${value}": supported values: "All"`);
    }
  }
  return values.includes('All');
}
