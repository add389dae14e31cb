/** The objects that benches create: the smallest that a user would write. */
import type { LiveObject } from './live-list.js';

/** Pods and nodes alike. */
export interface WithConditions {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

export interface PodObject extends LiveObject, WithConditions {
  readonly spec: { readonly nodeName?: string };
}

export interface DeploymentObject extends LiveObject {
  readonly spec: { readonly replicas: number };
  readonly status?: { readonly readyReplicas?: number };
}

export function isReady(object: WithConditions | undefined): boolean {
  return object?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

export const podsPath = '/api/v1/namespaces/default/pods';
export const deploymentsPath = '/apis/apps/v1/namespaces/default/deployments';

/** One static binary that sleeps. */
export function sleeperSpec(): object {
  return {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: 'busybox:test', imagePullPolicy: 'IfNotPresent', command: ['sleep', '1000000'] }],
  };
}

export function sleeper(name: string): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: sleeperSpec() });
}

export function deployment(name: string, replicas: number, spec: object = sleeperSpec()): string {
  const labels = { app: name };
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  });
}
