import { expect, test } from '@jest/globals';
import { staleFlows } from './index.js';
import type { ServiceFrontend } from './index.js';

const one = { address: '10.244.1.2', port: 53 };
const two = { address: '10.244.2.3', port: 53 };
function dns(backends: ServiceFrontend['backends'], protocol: 'UDP' | 'TCP' = 'UDP'): { readonly frontends: readonly ServiceFrontend[] } {
  const place = { kind: 'address', address: '10.96.0.20', port: 53 } as const;
  return { frontends: [{ ...place, protocol, service: 'default/dns:dns', backends, local: false, whenEmpty: 'reject' }] };
}

test('flows to removed UDP backends are stale, also when the whole Service goes', () => {
  expect(staleFlows(dns([one, two]), dns([two]))).toEqual([{ address: '10.96.0.20', port: 53, backend: one }]);
  expect(staleFlows(dns([one]), { frontends: [] })).toEqual([{ address: '10.96.0.20', port: 53, backend: one }]);
});

test('flows from before the first backend are stale, since they were never translated', () => {
  expect(staleFlows(dns([]), dns([one]))).toEqual([{ address: '10.96.0.20', port: 53 }]);
});

test('nothing is stale when backends only come, and TCP ends by itself', () => {
  expect(staleFlows(dns([one]), dns([one, two]))).toEqual([]);
  expect(staleFlows(dns([one], 'TCP'), dns([], 'TCP'))).toEqual([]);
});
