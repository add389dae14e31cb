/** Messages of the agent's stream between their form on the wire (what proto-loader makes) and that of libs/gateway. */
import type {
  AgentMessage,
  Assignment,
  GatewayMessage,
  NodeReport,
  PodEventReport,
  ResourceKind,
  TunnelRequest,
  UsageReport,
  Welcome,
} from '../../gateway/index.js';

const wireKindOf = {
  pod: 'POD',
  'config-map': 'CONFIG_MAP',
  secret: 'SECRET',
  service: 'SERVICE',
  'endpoint-slice': 'ENDPOINT_SLICE',
  node: 'NODE',
  'service-account': 'SERVICE_ACCOUNT',
  'volume-claim': 'VOLUME_CLAIM',
  volume: 'VOLUME',
} as const satisfies Record<ResourceKind, string>;
const kindOfWire = new Map(Object.entries(wireKindOf).map(([kind, wire]) => [wire as string, kind as ResourceKind]));

interface WireNodeStatus {
  readonly statusJson: Buffer;
  readonly labels: Readonly<Record<string, string>>;
}
interface WireResource {
  readonly kind: string;
  readonly key: string;
  readonly resourceVersion: string;
  readonly json: Buffer;
}

/** `message` names the field that is set. */
interface WireAgentMessage {
  readonly message: 'hello' | 'ack' | 'podStatuses' | 'nodeStatus' | 'usage' | 'events' | undefined;
  readonly hello?: {
    readonly nodeName: string;
    readonly agentVersion: string;
    readonly bootId: string;
    readonly assignmentVersion: number;
    readonly assignmentEpoch: string;
    readonly nodeStatus: WireNodeStatus | null;
  };
  readonly ack?: { readonly version: number; readonly error: string };
  readonly podStatuses?: {
    readonly statuses: readonly {
      readonly namespace: string;
      readonly name: string;
      readonly uid: string;
      readonly statusJson: Buffer;
      readonly released: boolean;
    }[];
  };
  readonly nodeStatus?: WireNodeStatus;
  readonly usage?: UsageReport;
  readonly events?: { readonly events: readonly PodEventReport[] };
}

interface WireGatewayMessage {
  readonly message: 'welcome' | 'assignment' | 'openTunnel' | undefined;
  readonly welcome?: Welcome;
  readonly assignment?: {
    readonly version: number;
    readonly full: boolean;
    readonly upserts: readonly WireResource[];
    readonly removals: readonly { readonly kind: string; readonly key: string }[];
  };
  readonly openTunnel?: WireOpenTunnel;
}
type Without<Verb extends TunnelRequest['verb']> = Omit<Extract<TunnelRequest, { verb: Verb }>, 'verb'>;
interface WireOpenTunnel {
  readonly tunnelId: string;
  readonly request: TunnelRequest['verb'] | undefined;
  readonly logs?: Without<'logs'>;
  readonly exec?: Without<'exec'>;
  readonly attach?: Without<'attach'>;
  readonly connect?: Without<'connect'>;
}

/** A message of a newer peer that this build does not know is `undefined`: ignored. */
export function decodeAgentMessage(raw: unknown): AgentMessage | undefined {
  const wire = raw as WireAgentMessage;
  if (wire.hello && wire.message === 'hello') {
    return { type: 'hello', hello: { ...wire.hello, nodeStatus: decodeNodeReport(wire.hello.nodeStatus) } };
  }
  if (wire.ack && wire.message === 'ack') return { type: 'ack', ...wire.ack };
  if (wire.nodeStatus && wire.message === 'nodeStatus') return { type: 'node-status', nodeStatus: decodeNodeReport(wire.nodeStatus) };
  if (wire.usage && wire.message === 'usage') return { type: 'usage', usage: wire.usage };
  if (wire.events && wire.message === 'events') return { type: 'events', events: wire.events.events };
  if (wire.podStatuses && wire.message === 'podStatuses') {
    const statuses = wire.podStatuses.statuses.map((status) => ({ ...status, statusJson: text(status.statusJson) }));
    return { type: 'pod-statuses', statuses };
  }
  return undefined;
}

export function encodeAgentMessage(message: AgentMessage): object {
  switch (message.type) {
    case 'hello':
      return { hello: { ...message.hello, nodeStatus: encodeNodeReport(message.hello.nodeStatus) } };
    case 'ack':
      return { ack: { version: message.version, error: message.error } };
    case 'node-status':
      return { nodeStatus: encodeNodeReport(message.nodeStatus) };
    case 'usage':
      return { usage: message.usage };
    case 'events':
      return { events: { events: message.events } };
    case 'pod-statuses':
      return { podStatuses: { statuses: message.statuses.map((status) => ({ ...status, statusJson: bytes(status.statusJson) })) } };
  }
}

export function decodeGatewayMessage(raw: unknown): GatewayMessage | undefined {
  const wire = raw as WireGatewayMessage;
  if (wire.welcome && wire.message === 'welcome') return { type: 'welcome', welcome: wire.welcome };
  if (wire.assignment && wire.message === 'assignment') return { type: 'assignment', assignment: decodeAssignment(wire.assignment) };
  if (wire.openTunnel && wire.message === 'openTunnel') {
    const request = decodeTunnelRequest(wire.openTunnel);
    if (request !== undefined) return { type: 'open-tunnel', tunnelId: wire.openTunnel.tunnelId, request };
  }
  return undefined;
}

export function encodeGatewayMessage(message: GatewayMessage): object {
  switch (message.type) {
    case 'welcome':
      return { welcome: message.welcome };
    case 'assignment':
      return { assignment: encodeAssignment(message.assignment) };
    case 'open-tunnel': {
      const { verb, ...rest } = message.request;
      return { openTunnel: { tunnelId: message.tunnelId, [verb]: rest } };
    }
  }
}

function decodeAssignment(wire: NonNullable<WireGatewayMessage['assignment']>): Assignment {
  const upserts = wire.upserts.flatMap((resource) => {
    const kind = kindOfWire.get(resource.kind);
    return kind === undefined ? [] : [{ ...resource, kind, json: text(resource.json) }];
  });
  const removals = wire.removals.flatMap((resource) => {
    const kind = kindOfWire.get(resource.kind);
    return kind === undefined ? [] : [{ kind, key: resource.key }];
  });
  return { version: wire.version, full: wire.full, upserts, removals };
}

function encodeAssignment(assignment: Assignment): object {
  return {
    version: assignment.version,
    full: assignment.full,
    upserts: assignment.upserts.map((resource) => ({ ...resource, kind: wireKindOf[resource.kind], json: bytes(resource.json) })),
    removals: assignment.removals.map(({ kind, key }) => ({ kind: wireKindOf[kind], key })),
  };
}

function decodeTunnelRequest(wire: WireOpenTunnel): TunnelRequest | undefined {
  if (wire.request === 'logs' && wire.logs) return { verb: 'logs', ...wire.logs };
  if (wire.request === 'exec' && wire.exec) return { verb: 'exec', ...wire.exec };
  if (wire.request === 'attach' && wire.attach) return { verb: 'attach', ...wire.attach };
  if (wire.request === 'connect' && wire.connect) return { verb: 'connect', ...wire.connect };
  return undefined;
}

function decodeNodeReport(wire: WireNodeStatus | null): NodeReport {
  return { statusJson: wire === null ? '{}' : text(wire.statusJson), labels: wire?.labels ?? {} };
}

function encodeNodeReport(report: NodeReport): WireNodeStatus {
  return { statusJson: bytes(report.statusJson), labels: report.labels };
}

function text(data: Buffer): string {
  return data.toString('utf8');
}
function bytes(value: string): Buffer {
  return Buffer.from(value, 'utf8');
}
