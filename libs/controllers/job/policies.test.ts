import { describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import { World } from '../testing/world.js';
import { COMPLETION_INDEX } from './indexed.js';
import { jobController } from './reconcile.js';

interface SeenJob {
  readonly status: {
    readonly failed?: number;
    readonly succeeded?: number;
    readonly failedIndexes?: string;
    readonly completedIndexes?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
  };
}

const labelled = {
  metadata: { labels: { job: 'mine' } },
  spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'app' }] },
};

function start(spec: object): World {
  const world = new World();
  const template = { metadata: {}, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'app' }] } };
  world.create({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'job', namespace: 'default' },
    spec: { backoffLimit: 6, template, ...spec },
  });
  settle(world);
  return world;
}

/** Retries wait; a minute passes before each look, and deleted pods go. */
function settle(world: World): void {
  for (let round = 0; round < 3; round += 1) {
    world.nowMs += 600_000;
    world.settle([jobController]);
    for (const pod of pods(world)) if (pod.metadata.deletionTimestamp !== undefined) world.remove(pod);
  }
}

function pods(world: World): readonly KubeObject[] {
  return world.view.list(resources.pods, 'default');
}

function running(world: World): readonly KubeObject[] {
  return pods(world).filter((pod) => (pod['status'] as { phase?: string } | undefined)?.phase === undefined);
}

function end(world: World, pod: KubeObject | undefined, exitCode: number, conditions: readonly object[] = []): void {
  if (pod === undefined) throw new Error('no such pod');
  const status = {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    conditions,
    containerStatuses: [{ name: 'main', state: { terminated: { exitCode } } }],
  };
  world.edit(resources.pods, { namespace: 'default', name: pod.metadata.name ?? '' }, () => ({ status }));
  settle(world);
}

const withIndex = (world: World, index: number) =>
  running(world).find((pod) => pod.metadata.annotations?.[COMPLETION_INDEX] === String(index));
const job = (world: World) => world.get(resources.jobs, 'job') as unknown as SeenJob;
const ended = (world: World) => job(world).status.conditions?.map(({ type, reason }) => `${type} ${reason}`);

describe('the pod failure policy', () => {
  const policy = {
    podFailurePolicy: {
      rules: [
        { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        { action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [42] } },
      ],
    },
  };

  test('ends the job at an exit code that means there is no use in going on', () => {
    const world = start({ ...policy, completions: 1 });
    end(world, running(world)[0], 42);
    expect(ended(world)).toEqual(['FailureTarget PodFailurePolicy', 'Failed PodFailurePolicy']);
    expect(job(world).status.conditions?.[0]?.message).toMatch(
      /^Container main for pod default\/job-\w+ failed with exit code 42 matching FailJob rule at index 1$/,
    );
  });

  test('does not count pods that others ended', () => {
    const world = start({ ...policy, completions: 1, backoffLimit: 0 });
    end(world, running(world)[0], 137, [{ type: 'DisruptionTarget', status: 'True' }]);
    expect(job(world).status.failed).toBeUndefined();
    end(world, running(world)[0], 0);
    expect(ended(world)).toEqual(['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']);
  });
});

describe('a backoff limit per index', () => {
  test('lets the other indexes run on, and names those that failed', () => {
    const world = start({ completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimitPerIndex: 1, backoffLimit: 2 ** 31 - 1 });
    end(world, withIndex(world, 1), 1);
    end(world, withIndex(world, 1), 1);
    expect(job(world).status.failedIndexes).toBe('1');
    expect(withIndex(world, 1)).toBeUndefined();
    end(world, withIndex(world, 0), 0);
    end(world, withIndex(world, 2), 0);
    expect(ended(world)).toEqual(['FailureTarget FailedIndexes', 'Failed FailedIndexes']);
    expect(job(world).status.completedIndexes).toBe('0,2');
  });
});

describe('the success policy', () => {
  test('ends the job when the indexes that matter have succeeded', () => {
    const world = start({
      completionMode: 'Indexed',
      completions: 4,
      parallelism: 4,
      successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 1 }] },
    });
    end(world, withIndex(world, 3), 0);
    expect(ended(world)).toBeUndefined();
    end(world, withIndex(world, 1), 0);
    expect(ended(world)).toEqual(['SuccessCriteriaMet SuccessPolicy', 'Complete SuccessPolicy']);
    expect(running(world)).toEqual([]);
  });
});

describe('a job', () => {
  test('takes an orphan that matches back, and lets go of a pod that no longer does', () => {
    const world = start({ completions: 1, selector: { matchLabels: { job: 'mine' } }, template: labelled });
    const name = running(world)[0]?.metadata.name ?? '';
    const ownersOf = () => world.get(resources.pods, name)?.metadata.ownerReferences ?? [];
    world.edit(resources.pods, { namespace: 'default', name }, ({ metadata }) => ({ metadata: { ...metadata, ownerReferences: [] } }));
    settle(world);
    expect(ownersOf()).toMatchObject([{ kind: 'Job', name: 'job' }]);
    world.edit(resources.pods, { namespace: 'default', name }, ({ metadata }) => ({ metadata: { ...metadata, labels: {} } }));
    settle(world);
    expect(ownersOf()).toEqual([]);
  });
});
