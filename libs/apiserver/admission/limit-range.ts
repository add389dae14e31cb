/** Kubernetes' LimitRanger: default requests and limits of containers, and the bounds that a namespace sets. */
import type { AdmissionRule } from './admit.js';

export const limitRanges: AdmissionRule = {
  name: 'LimitRanger',
  actions: ['CREATE'],
  resources: ['/pods'],
  admit: (_context, _operation, { object }) => object,
};
