import { describe, expect, test } from '@jest/globals';
import type { Deployment, StatefulSet } from '../../../libs/api/index.js';
import { deploymentRollout, statefulSetRollout } from './rollouts.js';

function deployment(status: NonNullable<Deployment['status']>, replicas = 3): Deployment {
  return {
    metadata: { name: 'web', generation: 2 },
    spec: { replicas, selector: {}, template: { spec: { containers: [] } } },
    status: { observedGeneration: 2, ...status },
  };
}

describe('the sentence about a rollout', () => {
  test.each([
    [{ observedGeneration: 1 }, 'Waiting for deployment spec update to be observed...', false],
    [{ updatedReplicas: 1 }, 'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...', false],
    [
      { updatedReplicas: 3, replicas: 5 },
      'Waiting for deployment "web" rollout to finish: 2 old replicas are pending termination...',
      false,
    ],
    [
      { updatedReplicas: 3, replicas: 3, availableReplicas: 1 },
      'Waiting for deployment "web" rollout to finish: 1 of 3 updated replicas are available...',
      false,
    ],
    [{ updatedReplicas: 3, replicas: 3, availableReplicas: 3 }, 'deployment "web" successfully rolled out', true],
  ])('of a deployment with %j', (status, message, done) => {
    expect(deploymentRollout(deployment(status))).toEqual({ message, done });
  });

  test('a deadline that passed is a failure', () => {
    const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
    expect(deploymentRollout(deployment({ conditions }))).toMatchObject({
      failed: true,
      message: 'deployment "web" exceeded its progress deadline',
    });
  });

  test('a partitioned stateful set is done at its partition', () => {
    const set: StatefulSet = {
      metadata: { generation: 1 },
      spec: { replicas: 3, serviceName: 'db', selector: {}, template: {}, updateStrategy: { rollingUpdate: { partition: 2 } } },
      status: { observedGeneration: 1, replicas: 3, readyReplicas: 3, updatedReplicas: 1 },
    };
    expect(statefulSetRollout(set)).toEqual({ message: 'partitioned roll out complete: 1 new pods have been updated...', done: true });
  });
});
