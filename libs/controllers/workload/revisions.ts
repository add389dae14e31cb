/** ControllerRevisions: the history of templates of StatefulSets and DaemonSets, as `kubectl rollout history` and `undo` read it. */
import type { ControllerRevision, KubeObject, PodTemplateSpec, Stored } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, ObjectAction } from '../../reconciling/index.js';
import { canonicalTemplate, controllerReference, safeHash } from './pod-template.js';

/** On pods and revisions: which template. */
export const REVISION_HASH_LABEL = 'controller-revision-hash';

export type StoredRevision = Stored<ControllerRevision>;

export interface Revisions {
  /** Oldest first. */
  readonly all: readonly StoredRevision[];
  /** The one of the present template; absent until it is created. */
  readonly update: StoredRevision | undefined;
  /** Label value of the present template. */
  readonly updateHash: string;
  /** Creates or renumbers the present one; empty in the normal case. */
  readonly actions: readonly ObjectAction[];
}

/** The owner's revisions, and what has to be done so that the present template is the newest. */
export function revisionsOf(view: ClusterView, owner: KubeObject, template: PodTemplateSpec, collisions: number): Revisions {
  const all = view.ownedOf(resources.controllerRevisions, owner.metadata.uid ?? '').toSorted((a, b) => a.revision - b.revision);
  const hash = safeHash(`${canonicalTemplate(template)}${collisions === 0 ? '' : collisions}`);
  const name = `${owner.metadata.name ?? ''}-${hash}`;
  const newest = all.at(-1)?.revision ?? 0;
  const update = all.find((each) => each.metadata.name === name);
  if (update === undefined)
    return { all, update, updateHash: hash, actions: [creation(owner, template, { name, hash, revision: newest + 1 })] };
  const renumber: readonly ObjectAction[] =
    update.revision === newest
      ? []
      : [{ do: 'update', resource: resources.controllerRevisions, object: { ...update, revision: newest + 1 } }];
  return { all, update, updateHash: hash, actions: renumber };
}

function creation(
  owner: KubeObject,
  template: PodTemplateSpec,
  { name, hash, revision }: { readonly name: string; readonly hash: string; readonly revision: number },
): ObjectAction {
  const object: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name,
      namespace: owner.metadata.namespace,
      labels: { ...template.metadata?.labels, [REVISION_HASH_LABEL]: hash },
      annotations: changeCause(owner),
      ownerReferences: [controllerReference(owner)],
    },
    data: { spec: { template: { ...template, $patch: 'replace' } } },
    revision,
  };
  return { do: 'create', resource: resources.controllerRevisions, object };
}

function changeCause(owner: KubeObject): Readonly<Record<string, string>> {
  const cause = owner.metadata.annotations?.['kubernetes.io/change-cause'];
  return cause === undefined ? {} : { 'kubernetes.io/change-cause': cause };
}

/** Revisions beyond the limit that no pod has any more, oldest first. */
export function beyondHistory(revisions: readonly StoredRevision[], used: ReadonlySet<string>, limit: number): readonly ObjectAction[] {
  const unused = revisions.filter((revision) => !used.has(hashOf(revision)));
  return unused.slice(0, Math.max(0, unused.length - limit)).map(({ metadata }) => ({
    do: 'delete' as const,
    ref: { ...resources.controllerRevisions, namespace: metadata.namespace, name: metadata.name },
    uid: metadata.uid,
  }));
}

export function hashOf(object: KubeObject): string {
  return object.metadata.labels?.[REVISION_HASH_LABEL] ?? '';
}

/** The template that a revision holds. */
export function templateOf(revision: StoredRevision): PodTemplateSpec | undefined {
  const data = revision.data as { readonly spec?: { readonly template?: PodTemplateSpec & { readonly $patch?: string } } } | undefined; // decode: written by `creation`
  if (data?.spec?.template === undefined) return undefined;
  const { $patch: _, ...template } = data.spec.template;
  return template;
}
