import { describe, expect, test } from '@jest/globals';
import { validateSync } from 'class-validator';
import { allKinds, applyDefaults, validateCreate, validateUpdate, type FieldError, type KubeObject } from '../index.js';
import { Place } from './place.js';
import { Check, compiled, Each, Nested, OneOf, Required, Whole } from './rule-class.js';

class WheelRules {
  @Required()
  @OneOf('left', 'right')
  readonly side?: string;
}

@Whole<CarRules>((car, at) => {
  if ((car.wheels ?? []).length === 3) at.forbidden('three wheels');
})
class CarRules {
  @Check<string>((name, at) => (name.length > 3 ? at.tooLong(3) : undefined)) readonly name?: string;
  @Each(() => WheelRules) readonly wheels?: readonly object[];
  @Nested(() => WheelRules) readonly spare?: object;
}

function errorsOf(car: object): readonly string[] {
  const errors: FieldError[] = [];
  compiled(CarRules)(car, Place.top(errors).field('car'));
  return errors.map(({ path, message }) => `${path}: ${message}`);
}

describe('rule classes', () => {
  test('errors come in the order of the fields, each at its path', () => {
    expect(errorsOf({ wheels: [{ side: 'up' }, {}, { side: 'left' }], name: 'long', spare: {} })).toEqual([
      'car.name: Too long: may not be more than 3 bytes',
      'car.wheels[0].side: Unsupported value: "up": supported values: "left", "right"',
      'car.wheels[1].side: Required value',
      'car.spare.side: Required value',
      'car: Forbidden: three wheels',
    ]);
  });

  test('class-validator itself, run on an instance, agrees with the compiled rules', () => {
    const cars = [
      {},
      { name: 'abc' },
      { name: 'long' },
      { wheels: [{ side: 'left' }] },
      { wheels: [{}] },
      { wheels: [{ side: 'left' }, { side: 'left' }, { side: 'left' }] },
    ];
    for (const car of cars) {
      const instance = Object.assign(new CarRules(), car);
      expect(validateSync(instance).length === 0).toBe(errorsOf(car).length === 0);
    }
  });
});

describe('validation as a whole', () => {
  test('never fails on an object that lacks fields, whatever its kind', () => {
    const skeletons: readonly Record<string, unknown>[] = [
      {},
      { spec: {} },
      { spec: { template: {} } },
      { spec: { template: { spec: {} } } },
      { spec: { containers: [{}], volumes: [{}], initContainers: [{}], ephemeralContainers: [{}] } },
      {
        spec: {
          containers: [
            {
              ports: [{}],
              env: [{ valueFrom: {} }],
              envFrom: [{}],
              volumeMounts: [{}],
              livenessProbe: { httpGet: {} },
              lifecycle: { preStop: {} },
              resources: {},
            },
          ],
        },
      },
      {
        spec: {
          metrics: [
            {},
            { type: 'Resource', resource: {} },
            { type: 'Object', object: {} },
            { type: 'Pods', pods: {} },
            { type: 'External', external: {} },
          ],
          behavior: { scaleUp: {} },
        },
      },
      {
        spec: {
          ports: [{}],
          ingress: [{ from: [{}], ports: [{}] }],
          egress: [{}],
          rules: [{ http: {} }, { http: { paths: [{}] } }],
          defaultBackend: {},
        },
      },
      {
        spec: {
          tolerations: [{}],
          affinity: { nodeAffinity: {}, podAffinity: {}, podAntiAffinity: {} },
          topologySpreadConstraints: [{}],
          taints: [{}],
        },
      },
      { rules: [{}], subjects: [{}], roleRef: {}, subsets: [{}], endpoints: [{}], ports: [{}], webhooks: [{}], involvedObject: {} },
      { spec: { jobTemplate: {} } },
      { spec: { jobTemplate: { spec: {} }, schedule: '' } },
    ];
    for (const info of allKinds()) {
      for (const fields of skeletons) {
        const object: KubeObject = { apiVersion: 'v1', kind: info.kind, metadata: {}, ...fields };
        const filled = applyDefaults(info, object);
        expect(validateCreate(info, filled).length).toBeGreaterThan(0);
        validateUpdate(info, filled, object);
        validateUpdate(info, object, filled);
      }
    }
  });
});
