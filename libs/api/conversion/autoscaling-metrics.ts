/** Single metrics between v2 (identifier and target as objects) and the flat form that annotations of v1 autoscalers carry. */
import type { V2MetricTarget, V2MetricValueStatus } from '../generated/types.js';
import { isRecord, type JsonRecord } from '../patch/json-value.js';

type Flat = Readonly<Record<string, unknown>>;

function present(members: Flat): JsonRecord {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** The member of a metric that its type names: `Pods` -> `pods`, `ContainerResource` -> `containerResource`. */
function sourceName(type: string): string {
  return type.charAt(0).toLowerCase() + type.slice(1);
}

/** Fields of the annotation's form by metric type: what v2 keeps in `metric` and in `target` (or `current`). */
interface Layout {
  readonly identifier?: { readonly name: string; readonly selector: string };
  /** Flat names of a target's parts. */
  readonly target: Readonly<Partial<Record<keyof V2MetricTarget, string>>>;
  /** Flat names of a current value's parts. */
  readonly current: Readonly<Partial<Record<keyof V2MetricValueStatus, string>>>;
}

const resourceLayout: Layout = {
  target: { averageUtilization: 'targetAverageUtilization', averageValue: 'targetAverageValue' },
  current: { averageUtilization: 'currentAverageUtilization', averageValue: 'currentAverageValue', value: 'currentValue' },
};
const layouts: Readonly<Record<string, Layout>> = {
  Resource: resourceLayout,
  ContainerResource: resourceLayout,
  Pods: {
    identifier: { name: 'metricName', selector: 'selector' },
    target: { averageValue: 'targetAverageValue' },
    current: { averageValue: 'currentAverageValue' },
  },
  Object: {
    identifier: { name: 'metricName', selector: 'selector' },
    target: { value: 'targetValue', averageValue: 'averageValue' },
    current: { value: 'currentValue', averageValue: 'averageValue' },
  },
  External: {
    identifier: { name: 'metricName', selector: 'metricSelector' },
    target: { value: 'targetValue', averageValue: 'targetAverageValue' },
    current: { value: 'currentValue', averageValue: 'currentAverageValue' },
  },
};

/** `target` of a wanted metric, `current` of a measured one. */
export type Part = 'target' | 'current';

function flatten(parts: unknown, names: Flat): Flat {
  const values = isRecord(parts) ? parts : {};
  return Object.fromEntries(Object.entries(names).map(([part, flat]) => [String(flat), values[part]]));
}

function unflatten(flat: Flat, names: Flat): Flat {
  return present(Object.fromEntries(Object.entries(names).map(([part, name]) => [part, flat[String(name)]])));
}

function flatIdentifier(layout: Layout, metric: unknown): Flat {
  if (layout.identifier === undefined || !isRecord(metric)) return {};
  return { [layout.identifier.name]: metric['name'], [layout.identifier.selector]: metric['selector'] };
}

function identifier(layout: Layout, flat: Flat): Flat {
  if (layout.identifier === undefined) return {};
  return { metric: present({ name: flat[layout.identifier.name], selector: flat[layout.identifier.selector] }) };
}

interface Source {
  readonly type: string;
  readonly layout: Layout;
  readonly source: Flat;
}

function open(metric: JsonRecord): Source | undefined {
  const type = String(metric['type']);
  const layout = layouts[type];
  const source = metric[sourceName(type)];
  return layout === undefined || !isRecord(source) ? undefined : { type, layout, source };
}

function common(source: Flat): Flat {
  return { name: source['name'], container: source['container'] };
}

/** The flat form. The object that an `Object` metric describes is called `target` there. */
export function metricToV1(metric: JsonRecord, part: Part): JsonRecord {
  const opened = open(metric);
  if (opened === undefined) return metric;
  const { type, layout, source } = opened;
  const described = type === 'Object' ? { target: source['describedObject'] } : {};
  const flat = { ...common(source), ...described, ...flatIdentifier(layout, source['metric']), ...flatten(source[part], layout[part]) };
  return { type, [sourceName(type)]: present(flat) };
}

/** The form of v2. */
export function metricFromV1(flat: JsonRecord, part: Part): JsonRecord {
  const opened = open(flat);
  if (opened === undefined) return flat;
  const { type, layout, source } = opened;
  const described = type === 'Object' ? { describedObject: source['target'] } : {};
  const values = unflatten(source, layout[part]);
  const amount = part === 'target' ? { type: targetType(values), ...values } : values;
  return { type, [sourceName(type)]: present({ ...common(source), ...described, ...identifier(layout, source), [part]: amount }) };
}

/** The kind of target is not written in the flat form; it follows from which value is there. */
function targetType(target: Flat): string {
  if (target['averageUtilization'] !== undefined) return 'Utilization';
  return target['averageValue'] !== undefined ? 'AverageValue' : 'Value';
}
