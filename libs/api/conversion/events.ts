/** Events of the core group and of `events.k8s.io`: the same objects under other field names. The store keeps the core form. */
import type { KubeObject } from '../object.js';

/** Core name -> name in `events.k8s.io`. Fields that are not named here are called the same in both. */
const newNames: Readonly<Record<string, string>> = {
  involvedObject: 'regarding',
  message: 'note',
  reportingComponent: 'reportingController',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
};
const coreNames: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(newNames).map(([core, newer]) => [newer, core]));

function rename(object: KubeObject, names: Readonly<Record<string, string>>, apiVersion: string): KubeObject {
  const fields = Object.fromEntries(Object.entries(object).map(([name, value]) => [names[name] ?? name, value]));
  return { ...fields, apiVersion, kind: object.kind, metadata: object.metadata };
}

export function eventToCore(event: KubeObject): KubeObject {
  return rename(event, coreNames, 'v1');
}

export function eventFromCore(event: KubeObject): KubeObject {
  return rename(event, newNames, 'events.k8s.io/v1');
}
