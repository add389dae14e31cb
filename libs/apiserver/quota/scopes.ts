/** Kubernetes docs, "Quota scopes": which pods a quota looks at. */
import { qualifiedResource, type KindInfo, type KubeObject } from '../../api/index.js';
import { integer, record, records, text, texts, type Fields } from '../registry/object.js';
import { qosClass } from '../registry/strategy.js';

/** Scopes choose pods; a quota with scopes does not look at anything else. */
export function inScope(quota: KubeObject, kind: KindInfo, object: KubeObject): boolean {
  const spec = record(quota['spec']);
  const scopes = texts(spec['scopes']);
  const expressions = records(record(spec['scopeSelector'])['matchExpressions']);
  if (scopes.length + expressions.length === 0) return true;
  if (qualifiedResource(kind) !== 'pods') return false;
  return scopes.every((scope) => podHasScope(object, scope)) && expressions.every((expression) => matches(object, expression));
}

function podHasScope(pod: KubeObject, scope: string): boolean {
  const spec: Fields = record(pod['spec']);
  const isBestEffort = qosClass(pod) === 'BestEffort';
  const ends = (integer(spec['activeDeadlineSeconds']) ?? -1) >= 0;
  switch (scope) {
    case 'BestEffort':
      return isBestEffort;
    case 'NotBestEffort':
      return !isBestEffort;
    case 'Terminating':
      return ends;
    case 'NotTerminating':
      return !ends;
    case 'PriorityClass':
      return (text(spec['priorityClassName']) ?? '') !== '';
    case 'CrossNamespacePodAffinity':
      return usesOtherNamespaces(spec);
    default:
      return true;
  }
}

function matches(pod: KubeObject, expression: Fields): boolean {
  const scope = text(expression['scopeName']) ?? '';
  const values = texts(expression['values']);
  const className = text(record(pod['spec'])['priorityClassName']) ?? '';
  switch (expression['operator']) {
    case 'In':
      return scope === 'PriorityClass' && values.includes(className);
    case 'NotIn':
      return scope === 'PriorityClass' && !values.includes(className);
    case 'DoesNotExist':
      return !podHasScope(pod, scope);
    default:
      return podHasScope(pod, scope);
  }
}

function usesOtherNamespaces(spec: Fields): boolean {
  const affinity = record(spec['affinity']);
  return [affinity['podAffinity'], affinity['podAntiAffinity']].map(record).some((side) => {
    const required = records(side['requiredDuringSchedulingIgnoredDuringExecution']);
    const preferred = records(side['preferredDuringSchedulingIgnoredDuringExecution']).map((term) => record(term['podAffinityTerm']));
    return [...required, ...preferred].some((term) => texts(term['namespaces']).length > 0 || term['namespaceSelector'] !== undefined);
  });
}
