/** Node selector terms: label expressions and fields of nodes (Kubernetes docs, Assigning pods to nodes). */
import { matchesLabels } from '../api/index.js';
import type { LabelRequirement, NodeSelectorRequirement, NodeSelectorTerm } from '../api/index.js';

const operators: Readonly<Record<string, LabelRequirement['operator']>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: 'absent',
  Gt: 'gt',
  Lt: 'lt',
};

/** Parsed once a pod. An empty term matches no node. */
export interface NodeTerm {
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly LabelRequirement[];
}

export function parseNodeTerm(term: NodeSelectorTerm): NodeTerm {
  return { labels: (term.matchExpressions ?? []).map(parse), fields: (term.matchFields ?? []).map(parse) };
}

export function matchesNodeTerm(
  term: NodeTerm,
  node: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): boolean {
  if (term.labels.length === 0 && term.fields.length === 0) return false;
  if (!matchesLabels(term.labels, node.labels)) return false;
  return term.fields.length === 0 || matchesLabels(term.fields, { 'metadata.name': node.name });
}

function parse(requirement: NodeSelectorRequirement): LabelRequirement {
  return { key: requirement.key, operator: operators[requirement.operator] ?? 'in', values: requirement.values ?? [] };
}
