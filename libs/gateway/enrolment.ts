/** Who may become a node: join tokens exchanged for certificates, and certificates for fresh ones. */
import type { Clock, Logger } from '../kit/index.js';
import { StatusError } from '../api/light.js';
import type { Secret } from '../api/index.js';
import { isNodeName, joinTokenSecretName, refuseJoin, TOKEN_NAMESPACE } from './join-token.js';
import type { GatewayView, NodeCertificateSigner } from './ports.js';
import { prefixOf } from './resources.js';

export interface Enrolled {
  readonly certificatePem: string;
  readonly caPem: string;
}

export class Enrolment {
  constructor(
    private readonly options: {
      readonly view: GatewayView;
      readonly signer: NodeCertificateSigner;
      readonly clock: Clock;
      readonly log: Logger;
    },
  ) {}

  /** Throws StatusError Forbidden (with the reason in words for the one who joins) or BadRequest. */
  async enroll(request: {
    readonly tokenId: string;
    readonly tokenSecret: string;
    readonly nodeName: string;
    readonly csrPem: string;
  }): Promise<Enrolled> {
    const { view, clock, log } = this.options;
    const key = `${TOKEN_NAMESPACE}/${joinTokenSecretName(request.tokenId)}`;
    const stored = view.get(prefixOf('secret'), key)?.object as unknown as Secret | undefined; // decode: stored under /registry/secrets/
    const refusal = refuseJoin(stored, { id: request.tokenId, secret: request.tokenSecret }, clock.now());
    if (refusal !== undefined) throw new StatusError('Forbidden', refusal);
    if (!isNodeName(request.nodeName)) {
      throw new StatusError('BadRequest', `"${request.nodeName}" is not a node name: use lower-case letters, digits, "-" and "."`);
    }
    log.info('node enrolled', { node: request.nodeName, token: request.tokenId });
    return this.#sign(request.csrPem, request.nodeName);
  }

  /** `node` is the name that the caller's certificate proves. */
  renew(node: string, csrPem: string): Promise<Enrolled> {
    return this.#sign(csrPem, node);
  }

  async #sign(csrPem: string, node: string): Promise<Enrolled> {
    const { certificatePem } = await this.options.signer.sign(csrPem, node);
    return { certificatePem, caPem: this.options.signer.caPem };
  }
}
