/** Conditions of workloads: a list with one entry a type, whose transition time moves only when the status changes. */
import { formatTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly lastTransitionTime?: string | undefined;
  readonly lastUpdateTime?: string | undefined;
}

export function findCondition<C extends Condition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/**
 * `conditions` with `next` in it. Same status and reason: nothing changes. Same status, other reason: the old transition
 * time stays. The order of the others is kept and `next` goes last, as kubectl users are used to.
 */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: { readonly type: string; readonly status: string; readonly reason: string; readonly message: string },
  now: Instant,
): readonly Condition[] {
  const before = findCondition(conditions, next.type);
  if (before?.status === next.status && before.reason === next.reason && before.message === next.message) return conditions ?? [];
  const at = formatTime(now);
  const lastTransitionTime = before?.status === next.status ? (before.lastTransitionTime ?? at) : at;
  const others = (conditions ?? []).filter((condition) => condition.type !== next.type);
  return [...others, { ...next, lastTransitionTime }];
}

export function withoutCondition<C extends Condition>(conditions: readonly C[] | undefined, type: string): readonly C[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}
