/** What a pod asks for, as amounts in billionths of each resource's unit. */
import { parseQuantity, type KubeObject } from '../../api/index.js';
import { record, records, text, type Fields } from '../registry/object.js';

export type Amounts = ReadonlyMap<string, bigint>;

export type Side = 'requests' | 'limits';

/** Zero for what is not a quantity: validation names it. */
export function amountOf(value: unknown): bigint {
  try {
    return parseQuantity(text(value) ?? String(value ?? '0')).nanos;
  } catch {
    return 0n;
  }
}

export function amountsOf(list: unknown): Amounts {
  return new Map(Object.entries(record(list)).map(([name, value]) => [name, amountOf(value)]));
}

/** Containers run together, init containers one after the other: the larger of the sum and of each init container counts. */
export function podAmounts(pod: KubeObject, side: Side): Amounts {
  const spec = record(pod['spec']);
  const total = new Map<string, bigint>();
  for (const container of records(spec['containers'])) {
    for (const [name, amount] of sideOf(container, side)) total.set(name, (total.get(name) ?? 0n) + amount);
  }
  for (const container of records(spec['initContainers'])) {
    for (const [name, amount] of sideOf(container, side)) if (amount > (total.get(name) ?? 0n)) total.set(name, amount);
  }
  return total;
}

export function sideOf(container: Fields, side: Side): Amounts {
  return amountsOf(record(container['resources'])[side]);
}
