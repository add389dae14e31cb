/** Namespace: a namespace that is being deleted is emptied first, then let go. */
import { allKinds } from '../../api/index.js';
import type { GroupResource, KubeObject, Namespace, NamespaceCondition, NamespaceStatus, Stored } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, ObjectAction, Plan } from '../../reconciling/index.js';
import { isTerminating } from '../workload/pod-facts.js';
import { canonicalJson } from '../workload/pod-template.js';

/** The finalizer that keeps a namespace until it is empty; it stands in `spec`, not in the metadata. */
export const NAMESPACE_FINALIZER = 'kubernetes';
/** Deletes of one plan. */
const DELETES_PER_PLAN_MAX = 500;
/** Content that waits for somebody else (finalizers, grace periods) is looked at again after this time at the latest. */
const RECHECK_MS = 1_000;

export const namespaceController: Controller = {
  name: 'namespace-controller',
  watches: [
    { resource: resources.namespaces, keys: (namespace) => [namespace.metadata.name ?? ''] },
    { resource: 'all', keys: keysOfContent },
  ],
  reconcile(view, key, context) {
    const namespace = view.get(resources.namespaces, undefined, key);
    return namespace === undefined || !isTerminating(namespace) ? { actions: [] } : emptyNamespace(view, namespace, context.now);
  },
};

/** Only changes in a namespace that is on its way out matter. */
function keysOfContent(object: KubeObject, _previous: KubeObject | undefined, view: ClusterView): readonly string[] {
  const name = object.metadata.namespace;
  if (name === undefined) return [];
  const namespace = view.get(resources.namespaces, undefined, name);
  return namespace !== undefined && isTerminating(namespace) ? [name] : [];
}

interface Content {
  readonly resource: GroupResource;
  readonly objects: readonly KubeObject[];
}

function emptyNamespace(view: ClusterView, namespace: Stored<Namespace>, now: Instant): Plan {
  const content = contentOf(view, namespace.metadata.name);
  if (content.length === 0) return { actions: finalize(namespace) };
  const deletes = content.flatMap(({ resource, objects }) =>
    objects
      .filter((object) => !isLeaving(object))
      .map((object): ObjectAction => {
        const ref = {
          group: resource.group,
          resource: resource.resource,
          namespace: namespace.metadata.name,
          name: object.metadata.name ?? '',
        };
        return { do: 'delete', ref, uid: object.metadata.uid, propagation: 'Background' };
      }),
  );
  const status = terminatingStatus(namespace, content, now);
  const update: readonly ObjectAction[] =
    canonicalJson(status) === canonicalJson(namespace.status)
      ? []
      : [{ do: 'update-status', resource: resources.namespaces, object: { ...namespace, status } }];
  return { actions: [...update, ...deletes.slice(0, DELETES_PER_PLAN_MAX)], requeueAfterMs: RECHECK_MS };
}

function isLeaving(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Everything in the namespace, of built-in and custom kinds. Controllers' objects first would only be made again: pods last. */
function contentOf(view: ClusterView, name: string): readonly Content[] {
  const seen = new Set<string>();
  const content: Content[] = [];
  for (const resource of namespacedResources(view)) {
    const id = `${resource.group}/${resource.resource}`;
    if (seen.has(id)) continue;
    seen.add(id);
    const objects: readonly KubeObject[] = view.list(resource, name);
    if (objects.length > 0) content.push({ resource, objects });
  }
  const isPods = (each: Content): number => Number(each.resource.resource === 'pods' && each.resource.group === '');
  return content.toSorted((a, b) => isPods(a) - isPods(b));
}

function namespacedResources(view: ClusterView): readonly GroupResource[] {
  const custom = view
    .list(resources.customResourceDefinitions)
    .filter((definition) => definition.spec.scope === 'Namespaced')
    .map((definition) => ({ group: definition.spec.group, resource: definition.spec.names.plural }));
  return [...allKinds().filter((kind) => kind.namespaced && kind.stored), ...custom];
}

function finalize(namespace: Stored<Namespace>): readonly ObjectAction[] {
  const finalizers = namespace.spec?.finalizers ?? [];
  if (!finalizers.includes(NAMESPACE_FINALIZER)) return [];
  const spec = { ...namespace.spec, finalizers: finalizers.filter((finalizer) => finalizer !== NAMESPACE_FINALIZER) };
  return [{ do: 'finalize', resource: resources.namespaces, object: { ...namespace, spec } }];
}

function terminatingStatus(namespace: Stored<Namespace>, content: readonly Content[], now: Instant): NamespaceStatus {
  const remaining = content.map(({ resource, objects }) => `${qualified(resource)} has ${objects.length} resource instances`);
  const waiting = new Map<string, number>();
  for (const object of content.flatMap((each) => each.objects)) {
    for (const finalizer of object.metadata.finalizers ?? []) waiting.set(finalizer, (waiting.get(finalizer) ?? 0) + 1);
  }
  const finalizers = [...waiting].map(([name, count]) => `${name} in ${count} resource instances`);
  const conditions: readonly Omit<NamespaceCondition, 'lastTransitionTime'>[] = [
    isFine('NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered'),
    isFine('NamespaceDeletionGroupVersionParsingFailure', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'),
    isFine('NamespaceDeletionContentFailure', 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'),
    {
      type: 'NamespaceContentRemaining',
      status: 'True',
      reason: 'SomeResourcesRemain',
      message: `Some resources are remaining: ${remaining.join(', ')}`,
    },
    finalizers.length === 0
      ? isFine('NamespaceFinalizersRemaining', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished')
      : {
          type: 'NamespaceFinalizersRemaining',
          status: 'True',
          reason: 'SomeFinalizersRemain',
          message: `Some content in the namespace has finalizers remaining: ${finalizers.join(', ')}`,
        },
  ];
  const before = new Map((namespace.status?.conditions ?? []).map((condition) => [condition.type, condition]));
  return {
    phase: 'Terminating',
    conditions: conditions.map((condition) => {
      const old = before.get(condition.type);
      const since = old?.status === condition.status ? old.lastTransitionTime : undefined;
      return { ...condition, lastTransitionTime: since ?? formatTime(now) };
    }),
  };
}

function isFine(type: string, reason: string, message: string): Omit<NamespaceCondition, 'lastTransitionTime'> {
  return { type, status: 'False', reason, message };
}

function qualified(resource: GroupResource): string {
  return `${resource.resource}.${resource.group}`;
}
