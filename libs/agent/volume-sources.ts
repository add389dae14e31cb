/** What volumes are made of, from the agent's assignment and, for tokens, from the gateway. */
import type { AssignedState } from './assigned-state.js';
import type { GatewayTransport } from './link/transport.js';
import type { VolumeSources } from './ports.js';

export function agentVolumeSources(state: AssignedState, transport: GatewayTransport, clusterCa: string): VolumeSources {
  return {
    configMap: (namespace, name) => {
      const found = state.configMap(namespace, name);
      return found === undefined ? undefined : { data: found.data ?? {}, binaryData: found.binaryData ?? {} };
    },
    secret: (namespace, name) => {
      const found = state.secret(namespace, name);
      return found === undefined ? undefined : { data: found.data ?? {} };
    },
    claimed: (namespace, name) => state.claimed(namespace, name),
    token: (pod, audience, expirationSeconds) =>
      transport.issueToken({
        namespace: pod.metadata.namespace ?? '',
        serviceAccount: pod.spec?.serviceAccountName ?? 'default',
        podName: pod.metadata.name,
        podUid: pod.metadata.uid,
        audiences: audience === undefined || audience === '' ? [] : [audience],
        expiresInSeconds: expirationSeconds,
      }),
    clusterCa,
  };
}
