/**
 * Cluster behaviour as readable text: commands with what they print. A file is a list of steps
 *
 *     command arguments
 *     optional input, until the line of dashes
 *     ----
 *     output, until an empty line
 *
 * and the runner answers the same text with the outputs that the simulation gives now.
 */
import { findByKind, formatMillis } from '../api/index.js';
import type { KubeObject, Pod, Stored } from '../api/index.js';
import { resources } from '../reconciling/index.js';
import { SimulatedCluster } from './cluster.js';
import type { SimulationOptions } from './cluster.js';

export interface TranscriptStep {
  readonly command: string;
  readonly input: string;
  readonly output: string;
}

export interface Transcript {
  /** Comment lines at the top, kept as they are. */
  readonly header: string;
  readonly steps: readonly TranscriptStep[];
}

const SEPARATOR = '----';

export function parseTranscript(text: string): Transcript {
  const lines = text.split('\n');
  const header: string[] = [];
  while (lines[0] !== undefined && (lines[0].startsWith('#') || lines[0] === '')) header.push(lines.shift() ?? '');
  const steps: TranscriptStep[] = [];
  while (lines.length > 0) {
    const command = lines.shift() ?? '';
    if (command === '') continue;
    const input: string[] = [];
    while (lines.length > 0 && lines[0] !== SEPARATOR) input.push(lines.shift() ?? '');
    lines.shift();
    const output: string[] = [];
    while (lines.length > 0 && lines[0] !== '') output.push(lines.shift() ?? '');
    steps.push({ command, input: input.join('\n'), output: output.join('\n') });
  }
  return { header: header.join('\n').trim(), steps };
}

export function formatTranscript({ header, steps }: Transcript): string {
  const texts = steps.map(({ command, input, output }) => [command, input, SEPARATOR, output].filter((part) => part !== '').join('\n'));
  return `${[header, ...texts].filter((part) => part !== '').join('\n\n')}\n`;
}

/** Runs the steps in one cluster; `parse` reads the manifests that `apply` is given. */
export async function runTranscript(transcript: Transcript, parse: (manifest: string) => readonly KubeObject[]): Promise<Transcript> {
  const runner = new TranscriptRunner(parse);
  const steps: TranscriptStep[] = [];
  try {
    for (const step of transcript.steps) steps.push({ ...step, output: (await runner.run(step)).trimEnd() });
  } finally {
    await runner[Symbol.asyncDispose]();
  }
  return { ...transcript, steps };
}

type Command = (cluster: SimulatedCluster, args: readonly string[], input: string) => Promise<string> | string;

class TranscriptRunner implements AsyncDisposable {
  readonly #parse: (manifest: string) => readonly KubeObject[];
  #cluster: SimulatedCluster | undefined;

  constructor(parse: (manifest: string) => readonly KubeObject[]) {
    this.#parse = parse;
  }

  async run({ command, input }: TranscriptStep): Promise<string> {
    const [verb = '', ...args] = command.split(/\s+/);
    if (verb === 'cluster') {
      this.#cluster = await SimulatedCluster.start(optionsOf(args));
      return 'ok';
    }
    const cluster = this.#cluster;
    if (cluster === undefined) return 'error: the first command must be: cluster nodes=N seed=N';
    const action = this.#commands[verb];
    if (action === undefined) return `error: unknown command ${verb}; there are ${Object.keys(this.#commands).join(', ')}`;
    const output = await action(cluster, args, input);
    const [violation] = cluster.invariants.violations;
    return violation === undefined ? output : `${output}\nVIOLATION ${violation}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster?.[Symbol.asyncDispose]();
  }

  readonly #commands: Readonly<Record<string, Command>> = {
    apply: async (cluster, _args, input) => {
      const lines: string[] = [];
      for (const object of this.#parse(input)) lines.push(`${object.kind} ${object.metadata.name ?? ''} ${await cluster.apply(object)}`);
      return lines.join('\n');
    },
    delete: async (cluster, [kind = '', name = '']) => {
      const info = findByKind('v1', kind) ?? findByKind('apps/v1', kind) ?? findByKind('batch/v1', kind);
      if (info === undefined) return `error: unknown kind ${kind}`;
      await cluster.delete(info, info.namespaced ? 'default' : undefined, name);
      return 'ok';
    },
    'kill-node': (cluster, [index = '']) => {
      cluster.node(Number(index)).kill();
      return 'ok';
    },
    'revive-node': (cluster, [index = '']) => {
      cluster.node(Number(index)).revive();
      return 'ok';
    },
    'add-node': async (cluster, [index = '']) => {
      await cluster.addNode(Number(index));
      return 'ok';
    },
    'break-image': (cluster, [image = '']) => {
      for (const node of cluster.nodes) node.brokenImages.add(image);
      return 'ok';
    },
    'stop-control-plane': async (cluster) => {
      await cluster.stopControlPlane();
      return 'ok';
    },
    'start-control-plane': (cluster) => {
      cluster.startControlPlane();
      return 'ok';
    },
    load: (cluster, [app = '', cores = '0']) => {
      cluster.load = (pod) => (pod.metadata.labels?.['app'] === app ? Number(cores) / countOf(cluster, app) : 0);
      return 'ok';
    },
    tick: async (cluster, [time = '']) => {
      await cluster.advance(milliseconds(time));
      return 'ok';
    },
    settle: async (cluster) => `settled after ${((await cluster.settle()) / 1000).toFixed(2)} s`,
    pods: (cluster) => table(cluster.view.list(resources.pods, 'default').map(podRow)),
    nodes: (cluster) =>
      table(
        cluster.view.list(resources.nodes).map((node) => {
          const ready = node.status?.conditions?.find((each) => each.type === 'Ready')?.status ?? '-';
          const taints = (node.spec?.taints ?? []).map((taint) => `${taint.key.split('/').at(-1) ?? ''}:${taint.effect}`);
          return [node.metadata.name, `Ready=${ready}`, ...taints];
        }),
      ),
    deployments: (cluster) =>
      table(
        cluster.view.list(resources.deployments, 'default').map(({ metadata, spec, status = {} }) => {
          const progressing = status.conditions?.find((each) => each.type === 'Progressing');
          const counts = `${status.readyReplicas ?? 0}/${spec?.replicas ?? 1} ready, ${status.updatedReplicas ?? 0} updated`;
          return [metadata.name, counts, progressing?.reason ?? '-'];
        }),
      ),
    events: (cluster, [reason]) =>
      cluster.view
        .list(resources.events, 'default')
        .filter((event) => reason === undefined || event.reason === reason)
        .toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
        .map((event) => `${event.type ?? ''} ${event.reason ?? ''} ${event.involvedObject.name ?? ''}: ${event.message ?? ''}`)
        .join('\n'),
  };
}

function optionsOf(args: readonly string[]): SimulationOptions {
  const values = new Map(args.map((arg) => [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)]));
  const cpu = values.get('cpu');
  return {
    seed: Number(values.get('seed') ?? 1),
    nodes: Number(values.get('nodes') ?? 3),
    ...(cpu === undefined ? {} : { cpuPerNode: formatMillis(Number(cpu) * 1000) }),
  };
}

function countOf(cluster: SimulatedCluster, app: string): number {
  const running = cluster.view
    .list(resources.pods, 'default')
    .filter((pod) => pod.metadata.labels?.['app'] === app && pod.status?.phase === 'Running');
  return Math.max(1, running.length);
}

function podRow(pod: Stored<Pod>): readonly string[] {
  const isReady = pod.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;
  const state = pod.metadata.deletionTimestamp === undefined ? (pod.status?.phase ?? 'Pending') : 'Terminating';
  const image = pod.spec?.containers[0]?.image ?? '';
  return [pod.metadata.name, pod.spec?.nodeName ?? '-', state, isReady ? 'Ready' : 'NotReady', image];
}

function table(rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return 'none';
  const widths: number[] = [];
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `30s`, `500ms`, `2m`. */
function milliseconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  const unit = { ms: 1, s: 1_000, m: 60_000 }[match?.[2] ?? ''];
  if (match === null || unit === undefined) throw new Error(`not a time: ${text} (30s, 500ms, 2m)`);
  return Number(match[1]) * unit;
}
