/** Defaults of pods and of pod templates (Kubernetes API reference, PodSpec and Container). */
import type {
  Container,
  ContainerPort,
  EnvVar,
  EnvVarSource,
  EphemeralContainer,
  GRPCAction,
  HTTPGetAction,
  Lifecycle,
  LifecycleHandler,
  ObjectFieldSelector,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceRequirements,
} from '../generated/types.js';
import { each, emptyObject, filler, inOrder, withField, type Filler } from './filler.js';
import { pullPolicyFor } from './image-tag.js';
import { fillVolume } from './volumes.js';

const fillHttpGet = filler<HTTPGetAction>({ path: '/', scheme: 'HTTP' });

/** In a probe 0 means unset for each of these. */
const probeDefaults = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 } as const;

function fillProbeTimes(probe: Probe): Probe {
  let filled = probe;
  for (const [field, value] of Object.entries(probeDefaults)) {
    const given = filled[field as keyof typeof probeDefaults]; // Object.entries widens the keys to string
    if (given === undefined || given === null || given === 0) filled = { ...filled, [field]: value };
  }
  return filled;
}

// An empty service name is written out: it asks for the health of the server as a whole.
const fillGrpc: Filler<GRPCAction> = (action) =>
  action.service === undefined || action.service === null ? { ...action, service: '' } : action;

const fillProbe = inOrder<Probe>(fillProbeTimes, filler<Probe>({}, { httpGet: fillHttpGet, grpc: fillGrpc }));
const fillHandler = filler<LifecycleHandler>({}, { httpGet: fillHttpGet });

const containerDefaults = {
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  resources: emptyObject,
  imagePullPolicy: (container: { readonly image?: string | undefined }) => pullPolicyFor(container.image),
} as const;

const containerFields = {
  ports: each(filler<ContainerPort>({ protocol: 'TCP' })),
  env: each(filler<EnvVar>({}, { valueFrom: filler<EnvVarSource>({}, { fieldRef: filler<ObjectFieldSelector>({ apiVersion: 'v1' }) }) })),
  livenessProbe: fillProbe,
  readinessProbe: fillProbe,
  startupProbe: fillProbe,
  lifecycle: filler<Lifecycle>({}, { postStart: fillHandler, preStop: fillHandler }),
};

const fillContainer = filler<Container>(containerDefaults, containerFields);
const fillEphemeralContainer = filler<EphemeralContainer>(containerDefaults, containerFields);

/** Fills a PodSpec, in a Pod and in every template. */
export const fillPodSpec = filler<PodSpec>(
  {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    securityContext: emptyObject,
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
    // The deprecated twin of serviceAccountName; each follows the other.
    serviceAccountName: (spec) => spec.serviceAccount,
    serviceAccount: (spec) => spec.serviceAccountName,
  },
  {
    volumes: each(fillVolume),
    containers: each(fillContainer),
    initContainers: each(fillContainer),
    ephemeralContainers: each(fillEphemeralContainer),
  },
);

/** Fills the template of a workload. */
export const fillPodTemplate = filler<PodTemplateSpec>({ spec: () => ({ containers: [] }) }, { spec: fillPodSpec });

/** A limit without a request is a request of the same size; so only in Pods, never in templates. */
function requestsFromLimits(resources: ResourceRequirements): ResourceRequirements {
  const { limits, requests } = resources;
  if (limits === undefined || limits === null) return resources;
  const missing = Object.keys(limits).some((name) => requests?.[name] === undefined);
  return missing ? { ...resources, requests: { ...limits, ...requests } } : resources;
}

/** On the host's network each container port is the host's port. */
function hostPorts(container: Container): Container {
  const fill = (port: ContainerPort): ContainerPort =>
    port.hostPort === undefined || port.hostPort === null || port.hostPort === 0 ? { ...port, hostPort: port.containerPort } : port;
  return container.ports === undefined ? container : withField(container, 'ports', each(fill)(container.ports));
}

const fillContainerRequests = filler<Container>({}, { resources: requestsFromLimits });

function fillPodOnly(spec: PodSpec): PodSpec {
  const onHost = spec.hostNetwork === true;
  const fillEach = each<Container>((container) => {
    const filled = fillContainerRequests(container);
    return onHost ? hostPorts(filled) : filled;
  });
  return filler<PodSpec>(
    { enableServiceLinks: true },
    { containers: fillEach, initContainers: fillEach, resources: requestsFromLimits },
  )(spec);
}

/** Fills a Pod: the template's defaults and those that only a Pod itself gets. */
export const fillPod = filler<Pod>({ spec: () => ({ containers: [] }) }, { spec: inOrder(fillPodSpec, fillPodOnly) });
