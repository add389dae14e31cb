import { describe, expect, test } from '@jest/globals';
import { container, created, updated, type Given } from './testing/given.js';

const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [container] } };
const selector = { matchLabels: { app: 'x' } };
const deployment = (spec: Record<string, unknown>): Given => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  spec: { selector, template, ...spec },
});

describe('validation of workloads', () => {
  test.each<[string, Given, readonly string[]]>([
    [
      'a deployment without selector',
      deployment({ selector: undefined }),
      [
        'spec.selector: Required value',
        'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
      ],
    ],
    [
      'a deployment without template',
      deployment({ template: undefined }),
      [
        'spec.template.spec.containers: Required value',
        'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`',
      ],
    ],
    ['an empty selector', deployment({ selector: {} }), ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
    [
      'a selector of other labels',
      deployment({ selector: { matchLabels: { app: 'y' } } }),
      ['spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`'],
    ],
    ['negative replicas', deployment({ replicas: -1 }), ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    [
      'pods that end',
      deployment({ template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } }),
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'no way to roll',
      deployment({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } }),
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
    ],
    [
      'a percentage of no form',
      deployment({ strategy: { rollingUpdate: { maxSurge: 'half' } } }),
      [
        "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"half\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ],
    ],
    [
      'an unknown strategy',
      deployment({ strategy: { type: 'Hope' } }),
      ['spec.strategy.type: Unsupported value: "Hope": supported values: "Recreate", "RollingUpdate"'],
    ],
    [
      'a deadline before readiness',
      deployment({ minReadySeconds: 700 }),
      ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds'],
    ],
    [
      'a broken container in the template',
      deployment({ template: { ...template, spec: { containers: [{ name: 'c' }] } } }),
      ['spec.template.spec.containers[0].image: Required value'],
    ],
    [
      'a stateful set of no policy',
      { apiVersion: 'apps/v1', kind: 'StatefulSet', spec: { selector, template, podManagementPolicy: 'X' } },
      ["spec.podManagementPolicy: Invalid value: \"X\": must be 'OrderedReady' or 'Parallel'"],
    ],
    [
      'a job that never ends',
      { apiVersion: 'batch/v1', kind: 'Job', spec: { template } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      'a cron job at no time',
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        spec: { schedule: '61 * * *', jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } } } },
      },
      ['spec.schedule: Invalid value: "61 * * *": expected exactly 5 fields, found 4: [61 * * *]'],
    ],
  ])('refuses %s', (_name, given, errors) => expect(created(given)).toEqual(errors));

  test('selectors are for ever', () => {
    const other = { ...template, metadata: { labels: { app: 'y' } } };
    expect(updated(deployment({}), deployment({ selector: { matchLabels: { app: 'y' } }, template: other }))).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"y"}}: field is immutable',
    ]);
    const set = (serviceName: string): Given => ({ apiVersion: 'apps/v1', kind: 'StatefulSet', spec: { selector, template, serviceName } });
    expect(updated(set('a'), set('b'))).toEqual([
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ]);
  });

  test('autoscalers', () => {
    const scaler = (spec: Record<string, unknown>): Given => ({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 3, ...spec },
    });
    expect(created(scaler({}))).toEqual([]);
    expect(created(scaler({ maxReplicas: 0 }))).toEqual([
      'spec.maxReplicas: Invalid value: 0: must be greater than 0',
      'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
    ]);
    expect(created(scaler({ metrics: [{ type: 'Resource' }, { type: 'Resource', resource: { name: 'cpu' } }] }))).toEqual([
      'spec.metrics[0].resource: Required value: must populate information for the given metric source',
      'spec.metrics[1].resource.target.type: Required value: must specify a metric target type',
      'spec.metrics[1].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization',
    ]);
    expect(
      created(
        scaler({
          scaleTargetRef: { kind: 'Deployment' },
          behavior: { scaleDown: { stabilizationWindowSeconds: 4000, selectPolicy: 'Some' } },
        }),
      ),
    ).toEqual([
      'spec.scaleTargetRef.name: Required value',
      'spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to 3600',
      'spec.behavior.scaleDown.selectPolicy: Unsupported value: "Some": supported values: "Disabled", "Max", "Min"',
    ]);
  });
});
