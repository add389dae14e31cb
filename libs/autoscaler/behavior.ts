/** From what the metrics ask for to what is done: stabilization windows, rate policies and limits (Kubernetes docs, "Configurable scaling behavior"). */
import type { V2HPAScalingRules, V2HorizontalPodAutoscalerBehavior } from '../api/index.js';
import type { Instant } from '../kit/index.js';
import type { AutoscalerSettings } from './settings.js';

/** What an autoscaler remembers between two looks. Empty after a start. */
export interface History {
  readonly recommendations: readonly { readonly at: Instant; readonly replicas: number }[];
  /** Changes that were carried out; positive = up. */
  readonly changes: readonly { readonly at: Instant; readonly delta: number }[];
}

export const NO_HISTORY: History = { recommendations: [], changes: [] };

/** Entries older than the longest window that the API allows (1 h) are dropped. */
const HISTORY_MS = 3_600_000;
/** With a look each second this bounds the memory of one autoscaler. */
const RECOMMENDATIONS_MAX = 3_700;

export interface Bounds {
  readonly current: number;
  readonly min: number;
  readonly max: number;
}

export interface Note {
  readonly reason: string;
  readonly message: string;
}

export interface Normalized {
  readonly replicas: number;
  /** For AbleToScale. */
  readonly stabilized: Note;
  /** For ScalingLimited; absent = not limited. */
  readonly limited: Note | undefined;
}

/** The rules that hold where the spec has no `behavior`: Kubernetes' documented defaults. */
function defaultRules(settings: AutoscalerSettings): { readonly up: V2HPAScalingRules; readonly down: V2HPAScalingRules } {
  return {
    up: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [
        { type: 'Percent', value: 100, periodSeconds: 15 },
        { type: 'Pods', value: 4, periodSeconds: 15 },
      ],
    },
    down: {
      stabilizationWindowSeconds: settings.downscaleStabilizationMs / 1000,
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
    },
  };
}

/** `desired` as it may be carried out now. */
export function normalize(
  desired: number,
  bounds: Bounds,
  behavior: V2HorizontalPodAutoscalerBehavior | undefined,
  around: { readonly history: History; readonly settings: AutoscalerSettings; readonly now: Instant },
): Normalized {
  const defaults = defaultRules(around.settings);
  const up = { ...defaults.up, ...defined(behavior?.scaleUp) };
  const down = { ...defaults.down, ...defined(behavior?.scaleDown) };
  const stable = stabilize(desired, bounds.current, { up, down }, around);
  return limit(stable, bounds, { up, down }, around);
}

interface Rules {
  readonly up: V2HPAScalingRules;
  readonly down: V2HPAScalingRules;
}

interface Around {
  readonly history: History;
  readonly now: Instant;
}

/** Up only to the lowest, down only to the highest recommendation of the window. */
function stabilize(desired: number, current: number, rules: Rules, { history, now }: Around): { replicas: number; note: Note } {
  const within = (rule: V2HPAScalingRules) =>
    history.recommendations.filter((each) => each.at > now - (rule.stabilizationWindowSeconds ?? 0) * 1000).map((each) => each.replicas);
  const lowest = Math.min(desired, ...within(rules.up));
  const highest = Math.max(desired, ...within(rules.down));
  const replicas = Math.min(Math.max(current, lowest), highest);
  if (replicas === desired) return { replicas, note: { reason: 'ReadyForNewScale', message: 'recommended size matches current size' } };
  const note =
    desired < replicas
      ? {
          reason: 'ScaleDownStabilized',
          message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
        }
      : {
          reason: 'ScaleUpStabilized',
          message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
        };
  return { replicas, note };
}

function limit(stable: { replicas: number; note: Note }, bounds: Bounds, rules: Rules, around: Around): Normalized {
  const { replicas, note: stabilized } = stable;
  const { current, min, max } = bounds;
  if (replicas > current) {
    const allowed = Math.max(current, upLimit(current, rules.up, around));
    const highest = Math.min(max, allowed);
    if (replicas <= highest) return { replicas, stabilized, limited: undefined };
    const limited = max > allowed ? tooFastUp : tooMany;
    return { replicas: highest, stabilized, limited };
  }
  if (replicas < current) {
    const allowed = Math.min(current, downLimit(current, rules.down, around));
    const lowest = Math.max(min, allowed);
    if (replicas >= lowest) return { replicas, stabilized, limited: undefined };
    const limited = min < allowed ? tooFastDown : tooFew;
    return { replicas: lowest, stabilized, limited };
  }
  return { replicas, stabilized, limited: undefined };
}

const tooMany: Note = { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' };
const tooFew: Note = { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' };
const tooFastUp: Note = { reason: 'ScaleUpLimit', message: 'the desired replica count is increasing faster than the maximum scale rate' };
const tooFastDown: Note = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
};

function upLimit(current: number, rule: V2HPAScalingRules, around: Around): number {
  if (rule.selectPolicy === 'Disabled') return current;
  const proposals = (rule.policies ?? []).map((policy) => {
    const start = current - netChange(around, policy.periodSeconds);
    return policy.type === 'Pods' ? start + policy.value : Math.ceil(start * (1 + policy.value / 100));
  });
  return rule.selectPolicy === 'Min' ? Math.min(...proposals) : Math.max(...proposals);
}

function downLimit(current: number, rule: V2HPAScalingRules, around: Around): number {
  if (rule.selectPolicy === 'Disabled') return current;
  const proposals = (rule.policies ?? []).map((policy) => {
    const start = current - netChange(around, policy.periodSeconds);
    return policy.type === 'Pods' ? start - policy.value : Math.floor(start * (1 - policy.value / 100));
  });
  // `Max` is the policy that changes most, which downwards is the smallest number.
  return rule.selectPolicy === 'Min' ? Math.max(...proposals) : Math.min(...proposals);
}

/** Replicas added less those removed in the last `periodSeconds`. */
function netChange({ history, now }: Around, periodSeconds: number): number {
  return history.changes.filter((change) => change.at > now - periodSeconds * 1000).reduce((sum, change) => sum + change.delta, 0);
}

/** The history with this look in it. */
export function remember(history: History, recommendation: number, delta: number, now: Instant): History {
  const recent = <T extends { readonly at: Instant }>(entries: readonly T[]): readonly T[] =>
    entries.filter((entry) => entry.at > now - HISTORY_MS).slice(-RECOMMENDATIONS_MAX);
  return {
    recommendations: recent([...history.recommendations, { at: now, replicas: recommendation }]),
    changes: delta === 0 ? history.changes : recent([...history.changes, { at: now, delta }]),
  };
}

function defined(rules: V2HPAScalingRules | undefined): V2HPAScalingRules {
  return Object.fromEntries(Object.entries(rules ?? {}).filter(([, value]) => value !== undefined));
}
