/** Signs the certificates by which agents prove which node they are: the gateway's `NodeCertificateSigner`. */
import type { NodeCertificateSigner } from '../../gateway/index.js';
import type { Clock } from '../../kit/index.js';
import type { Authority } from './authority.js';

export function createNodeSigner(authority: Authority, clock: Clock): NodeCertificateSigner {
  return {
    caPem: authority.caPem,
    sign: async (csrPem, nodeName) => {
      const identity = { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] };
      return { certificatePem: await authority.signRequest(csrPem, identity, clock.now()) };
    },
  };
}
