/** Certificate signing requests: they say who made them, and only those approve them who may do so for their signer. */
import { createAuthorizer } from '../authz/authorizer.js';
import { record, sameData, text } from '../registry/object.js';
import { forbidden } from '../status.js';
import type { AdmissionRule } from './admit.js';
import { withSpec } from './pod.js';

const GROUP = 'certificates.k8s.io';
const REQUESTS = `${GROUP}/certificatesigningrequests`;

export const requestIdentity: AdmissionRule = {
  name: 'CertificateRequestIdentity',
  actions: ['CREATE'],
  resources: [REQUESTS],
  admit: (_context, { user }, { object }) => {
    if (object === undefined) return object;
    const { name: username, groups, uid, extra } = user;
    return withSpec(object, { username, groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) });
  },
};

export const approval: AdmissionRule = {
  name: 'CertificateApproval',
  actions: ['UPDATE'],
  resources: [REQUESTS],
  subresources: ['approval'],
  admit: (context, operation, { object, old }) => {
    if (object === undefined || sameData(record(object['status'])['conditions'], record(old?.['status'])['conditions'])) return object;
    const signer = text(record(object['spec'])['signerName']) ?? '';
    const authorizer = createAuthorizer(context.cache);
    const may = (name: string): boolean =>
      authorizer.allows(operation.user, { kind: 'resource', verb: 'approve', group: GROUP, resource: 'signers', name });
    if (may(signer) || may(`${signer.split('/')[0]}/*`)) return object;
    throw forbidden(
      operation.kind,
      object.metadata.name ?? '',
      `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`,
    );
  },
};
