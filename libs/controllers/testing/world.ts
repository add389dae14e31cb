/** A tiny API server for controller tests: applies plans to a FixedView with conflicts, generations and finalizers, nothing more. */
import { findByKind } from '../../api/index.js';
import type { GroupResource, KubeObject, ObjectRef } from '../../api/index.js';
import { assertNever, formatTime, instant } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';
import { FakeIds } from '../../kit/testing/index.js';
import { FixedView } from '../../reconciling/index.js';
import type { Controller, ObjectAction, Plan } from '../../reconciling/index.js';
import { canonicalJson } from '../workload/pod-template.js';

/** Rounds after which controllers that still act are considered to run in circles. */
const ROUNDS_MAX = 400;

export class World {
  readonly view = new FixedView();
  readonly ids = new FakeIds();
  readonly events: string[] = [];
  nowMs = Date.UTC(2026, 0, 1);
  #revision = 0;

  get now(): Instant {
    return instant(this.nowMs);
  }

  /** Stores an object as a client would create it. */
  create(object: KubeObject): KubeObject {
    const stored: KubeObject = {
      ...object,
      metadata: {
        ...object.metadata,
        uid: object.metadata.uid ?? `uid-${object.metadata.name ?? ''}-${this.#revision}`,
        creationTimestamp: object.metadata.creationTimestamp ?? formatTime(this.now),
        generation: 1,
        resourceVersion: this.#next(),
      },
    };
    this.view.put(stored);
    return stored;
  }

  /** Changes an object as a client would; a new spec is a new generation. */
  edit(resource: GroupResource, ref: { readonly namespace?: string; readonly name: string }, change: (object: KubeObject) => object): void {
    const before = this.view.get(resource, ref.namespace, ref.name);
    if (before === undefined) throw new Error(`${resource.resource} ${ref.name} is not there`);
    this.#store(before, { ...before, ...change(before) });
  }

  get(resource: GroupResource, name: string, namespace = 'default'): KubeObject | undefined {
    return this.view.get(resource, namespace, name);
  }

  remove(object: KubeObject): void {
    this.view.delete(object);
  }

  /** Reconciles every key of every controller once; answers whether anything changed. */
  round(controllers: readonly Controller[]): boolean {
    let hasChanged = false;
    for (const controller of controllers) {
      for (const key of this.#keys(controller)) {
        const plan = controller.reconcile(this.view, key, { now: this.now, ids: this.ids });
        if (this.apply(plan)) hasChanged = true;
      }
    }
    return hasChanged;
  }

  /** Rounds until nothing changes. */
  settle(controllers: readonly Controller[]): void {
    for (let round = 0; round < ROUNDS_MAX; round += 1) if (!this.round(controllers)) return;
    throw new Error(`controllers still act after ${ROUNDS_MAX} rounds`);
  }

  apply(plan: Plan): boolean {
    let hasChanged = false;
    for (const action of plan.actions) {
      const outcome = this.#perform(action);
      if (outcome === 'conflict') return true;
      if (outcome === 'changed') hasChanged = true;
    }
    return hasChanged;
  }

  #keys(controller: Controller): ReadonlySet<string> {
    const keys = new Set<string>();
    for (const watch of controller.watches) {
      if (watch.resource === 'all') continue;
      for (const object of this.view.list(watch.resource)) {
        for (const key of watch.keys(object, undefined, this.view, watch.resource)) keys.add(key);
      }
    }
    return keys;
  }

  #perform(action: ObjectAction): 'changed' | 'same' | 'conflict' {
    switch (action.do) {
      case 'create':
        if (this.#current(action.object) !== undefined) return 'conflict';
        this.create(action.object);
        return 'changed';
      case 'update':
        return this.#update(action.object, (before, next) => ({ ...next, status: before['status'] }));
      case 'update-status':
        return this.#update(action.object, (before, next) => ({ ...before, status: next['status'] }));
      case 'finalize':
        return this.#update(action.object, (_, next) => next);
      case 'delete':
        return this.#delete(action.ref);
      case 'bind':
        return 'same';
      case 'event':
        this.events.push(`${action.type} ${action.reason} ${action.message}`);
        return 'same';
      default:
        return assertNever(action);
    }
  }

  #update(next: KubeObject, merge: (before: KubeObject, next: KubeObject) => KubeObject): 'changed' | 'same' | 'conflict' {
    const before = this.#current(next);
    if (before === undefined || before.metadata.resourceVersion !== next.metadata.resourceVersion) return 'conflict';
    const merged = merge(before, next);
    if (canonicalJson(merged) === canonicalJson(before)) return 'same';
    this.#store(before, merged);
    return 'changed';
  }

  #store(before: KubeObject, next: KubeObject): void {
    const isNewSpec = canonicalJson(before['spec']) !== canonicalJson(next['spec']);
    const generation = (before.metadata.generation ?? 1) + (isNewSpec ? 1 : 0);
    const stored = { ...next, metadata: { ...next.metadata, generation, resourceVersion: this.#next() } };
    const isLeaving = stored.metadata.deletionTimestamp !== undefined;
    if (isLeaving && (stored.metadata.finalizers ?? []).length === 0 && stored.kind !== 'Pod') this.view.delete(stored);
    else this.view.put(stored);
  }

  /** Pods stay until their node lets them go; other objects go at once unless a finalizer holds them. */
  #delete(ref: ObjectRef): 'changed' | 'same' {
    const before = this.view.get(ref, ref.namespace, ref.name);
    if (before === undefined || before.metadata.deletionTimestamp !== undefined) return 'same';
    const isHeld = before.kind === 'Pod' || (before.metadata.finalizers ?? []).length > 0;
    if (!isHeld) {
      this.view.delete(before);
      return 'changed';
    }
    this.#store(before, { ...before, metadata: { ...before.metadata, deletionTimestamp: formatTime(this.now) } });
    return 'changed';
  }

  #current(object: KubeObject): KubeObject | undefined {
    const kind = findByKind(object.apiVersion, object.kind);
    return kind === undefined ? undefined : this.view.get(kind, object.metadata.namespace, object.metadata.name ?? '');
  }

  #next(): string {
    this.#revision += 1;
    return String(this.#revision);
  }
}
