/** The agent's copy of its assignment: parsed once at the border, kept across restarts as text. */
import type {
  ConfigMap,
  EndpointSlice,
  KubeObject,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
  Service,
  ServiceAccount,
  Stored,
} from '../api/index.js';
import type { AssignedResource, Assignment, ResourceKind, Welcome } from '../gateway/index.js';

/** Which kinds an assignment touched, and which pods are affected. */
export interface AssignmentChange {
  readonly kinds: ReadonlySet<ResourceKind>;
  /** Keys (`namespace/name`) of ConfigMaps, Secrets and claims, as `kind key`, that changed or went. */
  readonly sources: ReadonlySet<string>;
}

interface Entry {
  readonly resource: AssignedResource;
  readonly object: KubeObject;
}

interface SavedAssignment {
  readonly welcome?: Welcome | undefined;
  readonly epoch: string;
  readonly version: number;
  readonly resources: readonly AssignedResource[];
}

export class AssignedState {
  #epoch = '';
  #welcome: Welcome | undefined;
  #version = 0;
  readonly #entries = new Map<ResourceKind, Map<string, Entry>>();

  get version(): number {
    return this.#version;
  }
  get epoch(): string {
    return this.#epoch;
  }

  /** The cluster's addresses as last told; absent before the first connection of this host. */
  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  /** Versions of another epoch are numbers of another numbering. */
  welcomed(welcome: Welcome): void {
    this.#welcome = welcome;
    this.#epoch = welcome.assignmentEpoch;
  }

  /** All or nothing: throws where a resource is not an object, and then nothing has changed. */
  apply(assignment: Assignment): AssignmentChange {
    const parsed = assignment.upserts.map((resource): Entry => ({ resource, object: decodeObject(resource) }));
    const kinds = new Set<ResourceKind>();
    const sources = new Set<string>();
    const touched = (kind: ResourceKind, key: string): void => {
      kinds.add(kind);
      if (kind === 'volume') for (const claim of this.#claimsNaming(key)) sources.add(`volume-claim ${claim}`);
      if (kind === 'config-map' || kind === 'secret' || kind === 'volume-claim') sources.add(`${kind} ${key}`);
    };
    if (assignment.full) for (const { kind, key } of this.#missingFrom(parsed)) this.#remove(kind, key, touched);
    for (const entry of parsed) {
      const { kind, key } = entry.resource;
      const known = this.#of(kind).get(key);
      if (known?.resource.json === entry.resource.json) continue;
      this.#of(kind).set(key, entry);
      touched(kind, key);
    }
    for (const { kind, key } of assignment.removals) this.#remove(kind, key, touched);
    this.#version = assignment.version;
    return { kinds, sources };
  }

  pods(): readonly Stored<Pod>[] {
    return this.#all('pod');
  }
  services(): readonly Service[] {
    return this.#all('service');
  }
  endpointSlices(): readonly EndpointSlice[] {
    return this.#all('endpoint-slice');
  }
  nodes(): readonly Node[] {
    return this.#all('node');
  }
  configMap(namespace: string, name: string): ConfigMap | undefined {
    return this.#one('config-map', namespace, name);
  }
  secret(namespace: string, name: string): Secret | undefined {
    return this.#one('secret', namespace, name);
  }
  /** The volume that a claim is bound to, once both ends are known here. */
  claimed(namespace: string, name: string): PersistentVolume | undefined {
    const claim = this.#one<PersistentVolumeClaim>('volume-claim', namespace, name);
    const volume = this.#of('volume').get(claim?.spec?.volumeName ?? '')?.object as unknown as PersistentVolume | undefined; // decode: as above
    return volume?.spec?.claimRef?.uid === claim?.metadata?.uid ? volume : undefined;
  }
  volumes(): readonly PersistentVolume[] {
    return this.#all('volume');
  }
  serviceAccount(namespace: string, name: string): ServiceAccount | undefined {
    return this.#one('service-account', namespace, name);
  }

  /** For the disk. */
  save(): string {
    const resources = [...this.#entries.values()].flatMap((kind) => [...kind.values()].map(({ resource }) => resource));
    return JSON.stringify({ welcome: this.#welcome, epoch: this.#epoch, version: this.#version, resources } satisfies SavedAssignment);
  }

  /** A damaged text is as good as none: the gateway sends everything again. Answers whether it could be read. */
  restore(text: string): boolean {
    try {
      const saved = JSON.parse(text) as SavedAssignment; // decode: written by save
      this.apply({ version: saved.version, full: true, upserts: saved.resources, removals: [] });
      this.#epoch = saved.epoch;
      this.#welcome = saved.welcome;
      return true;
    } catch {
      return false;
    }
  }

  #claimsNaming(volume: string): readonly string[] {
    return [...this.#of('volume-claim').values()]
      .filter(({ object }) => (object as unknown as PersistentVolumeClaim).spec?.volumeName === volume) // decode: the control plane validated it
      .map(({ resource }) => resource.key);
  }

  #missingFrom(entries: readonly Entry[]): readonly AssignedResource[] {
    const named = new Set(entries.map(({ resource }) => `${resource.kind} ${resource.key}`));
    const known = [...this.#entries.values()].flatMap((kind) => [...kind.values()].map(({ resource }) => resource));
    return known.filter((resource) => !named.has(`${resource.kind} ${resource.key}`));
  }

  #remove(kind: ResourceKind, key: string, touched: (kind: ResourceKind, key: string) => void): void {
    if (this.#of(kind).delete(key)) touched(kind, key);
  }

  #of(kind: ResourceKind): Map<string, Entry> {
    const known = this.#entries.get(kind) ?? new Map<string, Entry>();
    this.#entries.set(kind, known);
    return known;
  }

  #all<T>(kind: ResourceKind): readonly T[] {
    return [...this.#of(kind).values()].map(({ object }) => object as unknown as T); // decode: the control plane validated it
  }

  #one<T>(kind: ResourceKind, namespace: string, name: string): T | undefined {
    return this.#of(kind).get(`${namespace}/${name}`)?.object as unknown as T | undefined; // decode: as above
  }
}

function decodeObject(resource: AssignedResource): KubeObject {
  const object = JSON.parse(resource.json) as KubeObject | null;
  if (typeof object !== 'object' || object === null || typeof object.metadata !== 'object') {
    throw new Error(`${resource.kind} ${resource.key} is not an object`);
  }
  return object;
}
