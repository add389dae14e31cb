/** One pod worker on a fake host: tests start a pod, let time pass, and look at status and events. */
import { FakeClock, RecordingLogger } from '../../kit/testing/index.js';
import type { KubeObject, Pod, PodStatus, Stored } from '../../api/index.js';
import type { ResourceKind } from '../../gateway/index.js';
import { AssignedState } from '../assigned-state.js';
import { PodWorker } from '../pod/pod-worker.js';
import type { PodContext } from '../pod/pod-context.js';
import { FakeImages, FakePodNetwork, FakeProber, FakeRuntime, FakeVolumes } from './fake-host.js';

export function aPod(spec: Partial<NonNullable<Pod['spec']>>, meta: Partial<Stored<Pod>['metadata']> = {}): Stored<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'uid-web',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...meta,
    },
    spec: { containers: [{ name: 'app', image: 'app:1' }], nodeName: 'node-1', ...spec },
  };
}

export class PodLab {
  readonly clock = new FakeClock();
  readonly runtime = new FakeRuntime(this.clock);
  readonly images = new FakeImages();
  readonly network = new FakePodNetwork();
  readonly volumes = new FakeVolumes();
  readonly prober = new FakeProber();
  readonly state = new AssignedState();
  readonly log = new RecordingLogger();
  readonly events: string[] = [];
  readonly history: PodStatus[] = [];
  isReleased = false;
  isGone = false;
  worker: PodWorker | undefined;
  readonly context: PodContext = {
    ...this.#ports(),
    reporter: {
      status: (_pod, status, released) => {
        this.history.push(status);
        this.isReleased = released;
      },
      event: ({ type, reason, message }) => void this.events.push(`${type} ${reason} ${message}`),
      gone: () => void (this.isGone = true),
    },
    node: () => ({
      hostIp: '10.88.0.11',
      dns: { dnsAddress: '10.96.0.10', clusterDomain: 'cluster.local', hostNameservers: ['192.0.2.53'], hostSearches: [] },
      capacity: { cpuMillis: 2000, memoryBytes: 4 * 1024 ** 3, ephemeralBytes: 1024 ** 3 },
      hostsFile: '127.0.0.1\tlocalhost\n',
    }),
  };

  get status(): PodStatus {
    const newest = this.history.at(-1);
    if (newest === undefined) throw new Error('nothing reported yet');
    return newest;
  }

  async start(pod: Stored<Pod>): Promise<void> {
    this.worker = new PodWorker(this.context, pod, await this.runtime.list());
    void this.#follow(this.worker);
    this.worker.start();
    await this.clock.advance(1);
  }

  /** What the control plane assigns besides the pod. */
  assign(kind: ResourceKind, object: KubeObject): void {
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`;
    this.state.apply({
      version: 1,
      full: false,
      upserts: [{ kind, key, resourceVersion: '1', json: JSON.stringify(object) }],
      removals: [],
    });
    this.worker?.sourcesChanged();
  }

  condition(type: string): string {
    const found = this.status.conditions?.find((condition) => condition.type === type);
    return `${found?.status ?? 'absent'}${found?.reason === undefined ? '' : ` ${found.reason}`}`;
  }

  /** `running`, `waiting CrashLoopBackOff`, `terminated Error 1`. */
  container(name = 'app'): string {
    const all = [...(this.status.containerStatuses ?? []), ...(this.status.initContainerStatuses ?? [])];
    const state = all.find((status) => status.name === name)?.state;
    if (state?.running !== undefined) return 'running';
    if (state?.waiting !== undefined) return `waiting ${state.waiting.reason ?? ''}`;
    return `terminated ${state?.terminated?.reason ?? ''} ${state?.terminated?.exitCode ?? ''}`;
  }

  async #follow(worker: PodWorker): Promise<void> {
    for await (const record of this.runtime.exits({
      aborted: false,
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
    })) {
      worker.exited(record);
    }
  }

  #ports(): Omit<PodContext, 'reporter' | 'node'> {
    const { runtime, network, images, volumes, prober, clock, log, state } = this;
    const volumeSources = {
      configMap: () => undefined,
      secret: () => undefined,
      claimed: () => undefined,
      token: async () => ({ token: 't', expiresAtMs: 0 }),
      clusterCa: '',
    };
    return { runtime, network, images, volumes, prober, clock, log, state, volumeSources };
  }
}
