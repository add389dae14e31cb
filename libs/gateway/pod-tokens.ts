/** Service account tokens for pods, given only to the agent of the node that the pod is bound to. */
import type { TokenSigner } from '../apiserver/index.js';
import { StatusError } from '../api/light.js';
import type { Pod } from '../api/index.js';
import { nodeOf } from './assignment.js';
import type { GatewayView } from './ports.js';
import { prefixOf } from './resources.js';

export interface PodTokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly podName: string;
  readonly podUid: string;
  readonly audiences: readonly string[];
  readonly expiresInSeconds: number;
}

/** Throws StatusError Forbidden for a pod of another node, NotFound when pod or account are gone. */
export async function issuePodToken(
  options: { readonly view: GatewayView; readonly signer: TokenSigner },
  node: string,
  request: PodTokenRequest,
): Promise<{ readonly token: string; readonly expiresAtMs: number }> {
  const { namespace, serviceAccount, podName, podUid } = request;
  const pod = options.view.get(prefixOf('pod'), `${namespace}/${podName}`)?.object as unknown as Pod | undefined; // decode: a stored pod
  if (pod?.metadata?.uid !== podUid) throw new StatusError('NotFound', `pods "${podName}" not found`);
  const isTheirs = nodeOf(pod) === node && (pod.spec?.serviceAccountName ?? 'default') === serviceAccount;
  if (!isTheirs)
    throw new StatusError('Forbidden', `node "${node}" does not run a pod "${podName}" with service account "${serviceAccount}"`);
  const account = options.view.get(prefixOf('service-account'), `${namespace}/${serviceAccount}`)?.object;
  if (account?.metadata.uid === undefined) throw new StatusError('NotFound', `serviceaccounts "${serviceAccount}" not found`);
  const issued = await options.signer.issue({
    namespace,
    serviceAccount,
    serviceAccountUid: account.metadata.uid,
    pod: { name: podName, uid: podUid },
    audiences: request.audiences,
    expiresInSeconds: request.expiresInSeconds,
  });
  return { token: issued.token, expiresAtMs: issued.expiresAt };
}
