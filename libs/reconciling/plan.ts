/**
 * What every controller answers: a plan, which is data in the order in which it must happen. The executor runs the
 * actions one after the other and stops at the first that fails; the key is then reconciled again, from a fresh view.
 */
import type { Clock, IdSource, Instant, Random } from '../kit/index.js';
import type { GroupResource, KubeObject, ObjectMeta, ObjectRef, Reason, Stored } from '../api/index.js';

/** `uid`/`resourceVersion` are preconditions; without them the action applies to whatever has the name. */
export type ObjectAction =
  | {
      readonly do: 'create';
      readonly resource: GroupResource;
      readonly object: KubeObject;
      /** Whose event list tells of it: `SuccessfulCreate` or `FailedCreate`. */
      readonly reportTo?: KubeObject | undefined;
      /** That event's words where they are not `Created pod: web-1`. */
      readonly reportAs?: string | undefined;
    }
  /** Replaces the object; `object.metadata.resourceVersion` is compared, a conflict ends the plan and requeues the key. */
  | { readonly do: 'update'; readonly resource: GroupResource; readonly object: KubeObject }
  /** As `update`, on the `status` subresource: everything but status is ignored. Comes after the actions that it does not yet show. */
  | { readonly do: 'update-status'; readonly resource: GroupResource; readonly object: KubeObject }
  /** The `finalize` subresource of a Namespace: only `spec.finalizers` is taken. */
  | { readonly do: 'finalize'; readonly resource: GroupResource; readonly object: KubeObject }
  | {
      readonly do: 'delete';
      readonly ref: ObjectRef;
      readonly uid?: string | undefined;
      readonly propagation?: 'Background' | 'Foreground' | 'Orphan' | undefined;
      readonly gracePeriodSeconds?: number | undefined;
      /** Whose event list tells of it: `SuccessfulDelete` or `FailedDelete`. */
      readonly reportTo?: KubeObject | undefined;
      /** That event's words where they are not `Deleted pod: web-1`. */
      readonly reportAs?: string | undefined;
    }
  /** `pods/binding`: sets `spec.nodeName` where it is empty. */
  | { readonly do: 'bind'; readonly namespace: string; readonly pod: string; readonly uid: string; readonly node: string }
  /** Recorded best-effort and aggregated (count, lastTimestamp) by the executor; never fails a plan. */
  | {
      readonly do: 'event';
      readonly regarding: KubeObject;
      readonly type: 'Normal' | 'Warning';
      readonly reason: string;
      readonly message: string;
    };

export interface Plan {
  readonly actions: readonly ObjectAction[];
  /** Reconcile the key again after this time even if nothing changes. */
  readonly requeueAfterMs?: number | undefined;
}

/** What a decision may know besides its view. */
export interface DecisionContext {
  readonly now: Instant;
  readonly ids: IdSource;
  /** Why the last plan of this key stopped; absent after a plan that went through. */
  readonly lastFailure?: PlanFailure | undefined;
}

export interface PlanFailure {
  readonly action: ObjectAction['do'];
  readonly reason: Reason;
  readonly message: string;
}

/** A resource with the type of its objects: `resources.pods` makes `view.get` answer pods. */
export interface TypedResource<T> extends GroupResource {
  /** Never there at run time: carries the type. */
  readonly __object?: T | undefined;
}

/** Anything with metadata: what `Stored` accepts. */
export interface WithMeta {
  readonly metadata?: ObjectMeta | undefined;
}

/** A typed, read-only look at one instant of the watch cache. Objects are shared: never mutate them. */
export interface ClusterView {
  get<T extends WithMeta>(resource: TypedResource<T>, namespace: string | undefined, name: string): Stored<T> | undefined;
  /** All objects of a resource, or those of one namespace, in key order. */
  list<T extends WithMeta>(resource: TypedResource<T>, namespace?: string): readonly Stored<T>[];
  /** Objects of any kind with an owner reference to `uid`. */
  ownedBy(uid: string): readonly KubeObject[];
  /** Objects of one resource with an owner reference to `uid`. */
  ownedOf<T extends WithMeta>(resource: TypedResource<T>, uid: string): readonly Stored<T>[];
  /** Objects of a namespaced resource that no controller owns (kept as an index: cheap). */
  orphans<T extends WithMeta>(resource: TypedResource<T>, namespace: string): readonly Stored<T>[];
}

/**
 * A level-triggered controller: `namespace/name` in, plan out. `reconcile` is pure and idempotent. The machinery promises:
 * one call a key at a time; not before the cache has caught up with the key's own last write; retries with backoff.
 */
export interface Controller {
  /** Lower-case, as in logs, metrics and the event source: `deployment-controller`. */
  readonly name: string;
  /** Which changes wake which keys. */
  readonly watches: readonly ControllerWatch[];
  /** Keys reconciled at the same time; default 8. */
  readonly workers?: number | undefined;
  reconcile(view: ClusterView, key: string, context: DecisionContext): Plan;
}

export interface ControllerWatch {
  /** `'all'` = every resource, also custom ones. */
  readonly resource: GroupResource | 'all';
  /** Keys to reconcile when `object` (its newest form, or the last one if deleted) changes; `previous` is its earlier form. */
  readonly keys: (object: KubeObject, previous: KubeObject | undefined, view: ClusterView, resource: GroupResource) => readonly string[];
}

/** How plans reach the API: implemented by libs/apiserver (in process, the full pipeline as the given user) and by the simulator. Throws StatusError. */
export interface ObjectClient {
  create(resource: GroupResource, object: KubeObject): Promise<KubeObject>;
  update(resource: GroupResource, object: KubeObject): Promise<KubeObject>;
  updateStatus(resource: GroupResource, object: KubeObject): Promise<KubeObject>;
  /** Answers the object as it stands after: marked, where finalizers or a grace period hold it, else its last form with the revision of the deletion. */
  delete(
    ref: ObjectRef,
    options?: {
      readonly uid?: string | undefined;
      readonly propagation?: string | undefined;
      readonly gracePeriodSeconds?: number | undefined;
    },
  ): Promise<KubeObject | undefined>;
  /** `namespaces/finalize`. */
  finalize(resource: GroupResource, object: KubeObject): Promise<KubeObject>;
  /** Answers the pod as bound, so that the caller knows the resourceVersion of its own write. */
  bind(namespace: string, pod: string, uid: string, node: string): Promise<KubeObject>;
}

/** What the machinery is made with. */
export interface ReconcilingDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: IdSource;
  readonly client: ObjectClient;
}
