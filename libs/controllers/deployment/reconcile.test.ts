import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { KubeObject } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import { resources } from '../../reconciling/index.js';
import { World } from '../testing/world.js';
import { replicaSetController } from '../replicaset/reconcile.js';
import { deploymentController } from './reconcile.js';
import { rolloutLimits } from './rollout.js';

const controllers = [deploymentController, replicaSetController];

function aDeployment(extra: object = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      progressDeadlineSeconds: 600,
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'app:1' }] } },
      ...extra,
    },
  };
}

/** A cluster with one Deployment; pods are told what to be. */
class Rollout {
  readonly world = new World();

  constructor(extra: object = {}) {
    this.world.create(aDeployment(extra));
  }

  get pods() {
    return this.world.view.list(resources.pods);
  }

  get replicaSets() {
    return this.world.view.list(resources.replicaSets);
  }

  get deployment() {
    const found = this.world.view.get(resources.deployments, 'default', 'web');
    if (found === undefined) throw new Error('no deployment');
    return found;
  }

  condition(type: string) {
    const { status, reason, message } = this.deployment.status?.conditions?.find((each) => each.type === type) ?? {};
    return { status, reason, message };
  }

  settle(): void {
    this.world.settle(controllers);
  }

  makeReady(name: string, status: 'True' | 'False' = 'True'): void {
    this.world.edit(resources.pods, { namespace: 'default', name }, () => ({
      status: { phase: 'Running', conditions: [{ type: 'Ready', status, lastTransitionTime: formatTime(this.world.now) }] },
    }));
  }

  /** Everything becomes ready or goes until nothing moves any more. */
  complete(): void {
    for (let round = 0; round < 200; round += 1) {
      this.settle();
      const moving = this.pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined || pod.status?.phase !== 'Running');
      if (moving.length === 0) return;
      for (const pod of moving) {
        if (pod.metadata.deletionTimestamp === undefined) this.makeReady(pod.metadata.name);
        else this.world.remove(pod);
      }
    }
    throw new Error('the rollout does not end');
  }

  setImage(image: string): void {
    this.editSpec((spec) => {
      const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image }] } };
      return { ...spec, template };
    });
  }

  editSpec(change: (spec: object) => object): void {
    this.world.edit(resources.deployments, { namespace: 'default', name: 'web' }, (object) => ({ spec: change(object['spec'] as object) }));
  }
}

describe('a Deployment', () => {
  test('creates a replica set with the hash of its template, and the pods come with it', () => {
    const rollout = new Rollout();
    rollout.settle();
    const [replicaSet] = rollout.replicaSets;
    const hash = replicaSet?.metadata.labels?.['pod-template-hash'];
    expect(replicaSet?.metadata.name).toBe(`web-${hash}`);
    expect(replicaSet?.spec?.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(rollout.pods.map((pod) => pod.metadata.labels)).toEqual(Array(3).fill({ app: 'web', 'pod-template-hash': hash }));
    expect(rollout.deployment.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    expect(rollout.world.events).toContain(`Normal ScalingReplicaSet Scaled up replica set web-${hash} from 0 to 3`);
  });

  test('says that it is complete in the words that kubectl rollout status waits for', () => {
    const rollout = new Rollout();
    rollout.complete();
    expect(rollout.deployment.status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
    });
    const name = rollout.replicaSets[0]?.metadata.name;
    expect(rollout.condition('Progressing')).toEqual({
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: `ReplicaSet "${name}" has successfully progressed.`,
    });
    expect(rollout.condition('Available')).toEqual({
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.',
    });
  });

  test('keeps the old replica set until the new one is available', () => {
    const rollout = new Rollout();
    rollout.complete();
    rollout.setImage('app:broken');
    rollout.settle();
    const old = rollout.pods.filter((pod) => pod.spec?.containers[0]?.image === 'app:1' && pod.metadata.deletionTimestamp === undefined);
    expect(old).toHaveLength(3);
    expect(rollout.pods).toHaveLength(4);
  });

  test('fails after progressDeadlineSeconds without progress', () => {
    const rollout = new Rollout({ progressDeadlineSeconds: 60 });
    rollout.complete();
    rollout.setImage('app:broken');
    rollout.settle();
    rollout.world.nowMs += 62_000;
    rollout.settle();
    expect(rollout.condition('Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    expect(rollout.condition('Progressing').message).toMatch(/^ReplicaSet "web-.*" has timed out progressing\.$/);
  });

  test('rolled back, uses the old replica set again under the next revision', () => {
    const rollout = new Rollout();
    rollout.complete();
    const first = rollout.replicaSets[0]?.metadata.name;
    rollout.setImage('app:2');
    rollout.complete();
    rollout.setImage('app:1');
    rollout.complete();
    const replicaSet = rollout.replicaSets.find((each) => each.metadata.name === first);
    expect(rollout.replicaSets).toHaveLength(2);
    expect(replicaSet?.spec?.replicas).toBe(3);
    expect(replicaSet?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
    expect(rollout.deployment.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  });

  test('keeps revisionHistoryLimit old replica sets', () => {
    const rollout = new Rollout({ revisionHistoryLimit: 2 });
    for (let version = 1; version <= 6; version += 1) {
      rollout.setImage(`app:${version}`);
      rollout.complete();
    }
    const revisions = rollout.replicaSets.map((each) => Number(each.metadata.annotations?.['deployment.kubernetes.io/revision']));
    expect(revisions.toSorted((a, b) => a - b)).toEqual([4, 5, 6]);
  });

  test('Recreate never runs old and new pods together', () => {
    const rollout = new Rollout({ strategy: { type: 'Recreate' } });
    rollout.complete();
    rollout.setImage('app:2');
    rollout.settle();
    expect(rollout.pods.every((pod) => pod.metadata.deletionTimestamp !== undefined)).toBe(true);
    expect(rollout.replicaSets).toHaveLength(1);
    for (const pod of rollout.pods) rollout.world.remove(pod);
    rollout.settle();
    expect(rollout.pods.map((pod) => pod.spec?.containers[0]?.image)).toEqual(['app:2', 'app:2', 'app:2']);
  });

  test('paused, does not roll out but still scales, in proportion when several replica sets are active', () => {
    const rollout = new Rollout({ replicas: 10, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } });
    rollout.complete();
    rollout.setImage('app:2');
    rollout.settle();
    const sizes = () => rollout.replicaSets.map((each) => each.spec?.replicas ?? 0).toSorted((a, b) => b - a);
    expect(sizes()).toEqual([8, 5]);
    rollout.editSpec((spec) => ({ ...spec, paused: true, replicas: 15 }));
    rollout.settle();
    expect(sizes()).toEqual([11, 7]);
    expect(rollout.condition('Progressing')).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused' });
    rollout.editSpec((spec) => ({ ...spec, paused: false }));
    rollout.complete();
    expect(sizes()).toEqual([15, 0]);
  });

  test('takes another name when its replica set name is taken by somebody else', () => {
    const rollout = new Rollout();
    rollout.settle();
    const [mine] = rollout.replicaSets;
    const other = new Rollout();
    if (mine === undefined) throw new Error('no replica set');
    other.world.create({
      ...mine,
      metadata: { name: mine.metadata.name, namespace: 'default', labels: { app: 'other' } },
      spec: { replicas: 0, selector: {} },
    });
    other.settle();
    expect(other.deployment.status?.collisionCount).toBe(1);
    expect(other.replicaSets.filter((each) => each.metadata.ownerReferences?.[0]?.name === 'web')).toHaveLength(1);
  });

  test('never has more than replicas + maxSurge pods nor fewer available than replicas - maxUnavailable, and arrives', () => {
    const share = fc.oneof(
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        share,
        share,
        fc.infiniteStream(fc.nat(99)),
        (replicas, maxSurge, maxUnavailable, dice) => {
          const rollout = new Rollout({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } });
          rollout.complete();
          rollout.setImage('app:2');
          const limits = rolloutLimits(rollout.deployment);
          for (let step = 0; step < 60; step += 1) {
            rollout.world.round(controllers);
            const counted = rollout.pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
            const available = counted.filter((pod) => pod.status?.conditions?.[0]?.status === 'True');
            expect(counted.length).toBeLessThanOrEqual(replicas + limits.maxSurge);
            expect(available.length).toBeGreaterThanOrEqual(replicas - limits.maxUnavailable);
            const roll = dice.next().value ?? 0;
            const pod = rollout.pods[roll % Math.max(1, rollout.pods.length)];
            if (pod === undefined) continue;
            if (pod.metadata.deletionTimestamp !== undefined) rollout.world.remove(pod);
            else if (pod.status?.phase !== 'Running') rollout.makeReady(pod.metadata.name);
          }
          rollout.complete();
          expect(rollout.pods.map((pod) => pod.spec?.containers[0]?.image)).toEqual(Array(replicas).fill('app:2'));
        },
      ),
      { numRuns: 60 },
    );
  });
});
