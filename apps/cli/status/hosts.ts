/** One row a host: is it ready, how full is it, what does it use. Pure. */
import type { Node, Pod } from '../../../libs/api/index.js';
import { amounts } from '../verbs/top.js';

export interface NodeUsage {
  readonly metadata: { readonly name: string };
  readonly usage: Readonly<Record<string, string>>;
}

export interface HostRow {
  readonly name: string;
  readonly status: string;
  readonly ready: boolean;
  readonly pods: number;
  readonly podsMax: number;
  /** Thousandths of a core; undefined where it is not measured. */
  readonly cpu: number | undefined;
  readonly cpuMax: number;
  readonly memory: number | undefined;
  readonly memoryMax: number;
  readonly address: string;
  readonly since: string | undefined;
}

export function hostRows(nodes: readonly Node[], pods: readonly Pod[], usage: readonly NodeUsage[]): readonly HostRow[] {
  return nodes.map((node) => {
    const name = node.metadata?.name ?? '';
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    const used = usage.find(({ metadata }) => metadata.name === name)?.usage;
    const all = amounts(node.status?.allocatable ?? {});
    const running = pods.filter(
      ({ spec, status }) => spec?.nodeName === name && status?.phase !== 'Succeeded' && status?.phase !== 'Failed',
    );
    const words = [ready?.status === 'True' ? 'Ready' : 'NotReady', ...(node.spec?.unschedulable === true ? ['SchedulingDisabled'] : [])];
    return {
      name,
      status: words.join(','),
      ready: ready?.status === 'True',
      pods: running.length,
      podsMax: Number(node.status?.allocatable?.['pods'] ?? 0),
      cpu: used === undefined ? undefined : amounts(used).cpu,
      cpuMax: all.cpu,
      memory: used === undefined ? undefined : amounts(used).memory,
      memoryMax: all.memory,
      address: node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '<none>',
      since: ready?.lastTransitionTime,
    };
  });
}
