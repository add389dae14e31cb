/** What one RBAC `PolicyRule` covers. Pure: a rule and a question in, yes or no out. */
import type { PolicyRule } from '../../api/index.js';

export interface ResourceQuestion {
  readonly kind: 'resource';
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string | undefined;
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
}
export interface PathQuestion {
  readonly kind: 'path';
  readonly verb: string;
  readonly path: string;
}
export type Question = ResourceQuestion | PathQuestion;

export function ruleAllows(rule: PolicyRule, question: Question): boolean {
  if (!has(rule.verbs, question.verb)) return false;
  if (question.kind === 'path') return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, question.path));
  return has(rule.apiGroups, question.group) && resourceMatches(rule, question) && nameMatches(rule, question);
}

function has(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes(value) || list.includes('*'));
}

function resourceMatches(rule: PolicyRule, question: ResourceQuestion): boolean {
  const resources = rule.resources ?? [];
  if (resources.includes('*')) return true;
  if (question.subresource === undefined) return resources.includes(question.resource);
  return resources.includes(`${question.resource}/${question.subresource}`) || resources.includes(`*/${question.subresource}`);
}

/** An empty `resourceNames` covers every name; a non-empty one never covers requests without a name (list, create). */
function nameMatches(rule: PolicyRule, question: ResourceQuestion): boolean {
  const names = rule.resourceNames ?? [];
  return names.length === 0 || (question.name !== undefined && names.includes(question.name));
}

/** `*` at the end covers everything below; otherwise the paths are equal. */
function pathMatches(pattern: string, path: string): boolean {
  if (pattern === '*') return true;
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}
