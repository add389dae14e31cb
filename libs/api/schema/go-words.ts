/** How Kubernetes' decoder names types in its messages. Scripts and people match on these texts. */
import { plainTypeName, type ScalarKind, type Shape } from './shapes.js';

/** String types with names of their own, by field. */
const namedStrings: Readonly<Record<string, string>> = {
  'Container.imagePullPolicy': 'v1.PullPolicy',
  'Container.terminationMessagePolicy': 'v1.TerminationMessagePolicy',
  'ContainerPort.protocol': 'v1.Protocol',
  'DeploymentStrategy.type': 'v1.DeploymentStrategyType',
  'CronJobSpec.concurrencyPolicy': 'v1.ConcurrencyPolicy',
  'PersistentVolumeClaimSpec.volumeMode': 'v1.PersistentVolumeMode',
  'PodSpec.dnsPolicy': 'v1.DNSPolicy',
  'PodSpec.restartPolicy': 'v1.RestartPolicy',
  'PodStatus.phase': 'v1.PodPhase',
  'Secret.type': 'v1.SecretType',
  'ServicePort.protocol': 'v1.Protocol',
  'ServiceSpec.sessionAffinity': 'v1.ServiceAffinity',
  'ServiceSpec.type': 'v1.ServiceType',
  'Taint.effect': 'v1.TaintEffect',
  'Toleration.effect': 'v1.TaintEffect',
  'Toleration.operator': 'v1.TolerationOperator',
};

const scalarWords: Readonly<Record<ScalarKind, string>> = {
  string: 'string',
  boolean: 'bool',
  int32: 'int32',
  int64: 'int64',
  double: 'float64',
  quantity: 'resource.Quantity',
  'resource-amount': 'resource.Quantity',
  'int-or-string': 'intstr.IntOrString',
  bytes: '[]uint8',
  time: 'v1.Time',
  'micro-time': 'v1.MicroTime',
  any: 'interface {}',
};

/** `int32`, `[]v1.Container`, `map[string]string`, `v2.MetricSpec`. */
export function goTypeWord(shape: Shape, field = ''): string {
  switch (shape.kind) {
    case 'object':
      return `${/^V(\d+)/.exec(shape.type)?.[0].toLowerCase() ?? 'v1'}.${plainTypeName(shape.type)}`;
    case 'list':
      return `[]${goTypeWord(shape.items)}`;
    case 'map':
      return shape.values.kind === 'resource-amount' ? 'v1.ResourceList' : `map[string]${goTypeWord(shape.values)}`;
    default:
      return namedStrings[field] ?? scalarWords[shape.kind];
  }
}

/** What was found instead: `string`, `bool`, `number`, `array`, `object`. */
export function jsonWord(value: unknown): string {
  if (typeof value === 'boolean') return 'bool';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}
