/** Rules of probes and lifecycle handlers. */
import type {
  ExecAction,
  GRPCAction,
  HTTPGetAction,
  HTTPHeader,
  Lifecycle,
  LifecycleHandler,
  Probe,
  SleepAction,
  TCPSocketAction,
} from '../../generated/types.js';
import { headerName, nonNegative, portNumber, portNumberOrName, positive } from '../checks/values.js';
import type { Rule } from '../place.js';
import { Check, CheckNumber, Each, Nested, NotEmpty, OneOf, Required, Whole } from '../rule-class.js';

class ExecRules {
  @NotEmpty() readonly command?: ExecAction['command'];
}

class HeaderRules {
  @Required()
  @Check(headerName)
  readonly name?: HTTPHeader['name'];
}

class HttpGetRules {
  @Required() readonly path?: HTTPGetAction['path'];
  @CheckNumber(portNumberOrName) readonly port?: HTTPGetAction['port'];
  @OneOf('HTTP', 'HTTPS') readonly scheme?: HTTPGetAction['scheme'];
  @Each(() => HeaderRules) readonly httpHeaders?: HTTPGetAction['httpHeaders'];
}

class TcpSocketRules {
  @CheckNumber(portNumberOrName) readonly port?: TCPSocketAction['port'];
}

class GrpcRules {
  @CheckNumber(portNumber) readonly port?: GRPCAction['port'];
}

class SleepRules {
  @Check(nonNegative) readonly seconds?: SleepAction['seconds'];
}

const handlers = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

/** Exactly one way of doing it; the second and later ones are forbidden. */
const oneHandler: Rule<object> = (handler, at) => {
  const set = handlers.filter((name) => name in handler && (handler as Readonly<Record<string, unknown>>)[name] !== undefined);
  if (set.length === 0) at.required('must specify a handler type');
  for (const extra of set.slice(1)) at.field(extra).forbidden('may not specify more than 1 handler type');
};

@Whole<Probe>(oneHandler)
export class ProbeRules {
  @Nested(() => ExecRules) readonly exec?: Probe['exec'];
  @Nested(() => HttpGetRules) readonly httpGet?: Probe['httpGet'];
  @Nested(() => TcpSocketRules) readonly tcpSocket?: Probe['tcpSocket'];
  @Nested(() => GrpcRules) readonly grpc?: Probe['grpc'];
  @Check(nonNegative) readonly initialDelaySeconds?: Probe['initialDelaySeconds'];
  @Check(nonNegative) readonly timeoutSeconds?: Probe['timeoutSeconds'];
  @Check(nonNegative) readonly periodSeconds?: Probe['periodSeconds'];
  @Check(nonNegative) readonly successThreshold?: Probe['successThreshold'];
  @Check(nonNegative) readonly failureThreshold?: Probe['failureThreshold'];
  @Check(positive) readonly terminationGracePeriodSeconds?: Probe['terminationGracePeriodSeconds'];
}

/** One success says that a container lives or has started; there is nothing to average. */
export const succeedsAtOnce: Rule<Probe> = (probe, at) => {
  const { successThreshold } = probe;
  if (successThreshold !== undefined && successThreshold !== 1) at.field('successThreshold').invalid(successThreshold, 'must be 1');
};

/** A container that is not ready is not killed. */
export const killsNothing: Rule<Probe> = (probe, at) => {
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined) at.field('terminationGracePeriodSeconds').invalid(grace, 'must not be set for readinessProbes');
};

@Whole<LifecycleHandler>(oneHandler)
class HandlerRules {
  @Nested(() => ExecRules) readonly exec?: LifecycleHandler['exec'];
  @Nested(() => HttpGetRules) readonly httpGet?: LifecycleHandler['httpGet'];
  @Nested(() => TcpSocketRules) readonly tcpSocket?: LifecycleHandler['tcpSocket'];
  @Nested(() => SleepRules) readonly sleep?: LifecycleHandler['sleep'];
}

export class LifecycleRules {
  @Nested(() => HandlerRules) readonly postStart?: Lifecycle['postStart'];
  @Nested(() => HandlerRules) readonly preStop?: Lifecycle['preStop'];
}
