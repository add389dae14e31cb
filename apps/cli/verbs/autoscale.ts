/** berth autoscale: a HorizontalPodAutoscaler for a workload. */
import type { Command } from 'commander';
import { apiVersionOf } from '../client/discovery.js';
import { pathOf } from '../client/paths.js';
import type { Session } from '../client/session.js';
import { parseTarget } from '../client/targets.js';
import { FIELD_MANAGER } from '../client/write.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { dryRunQuery, dryRunSuffix, examples, inSession, wholeNumber, type Verb } from '../verb.js';

interface AutoscaleFlags {
  readonly min?: number;
  readonly max: number;
  readonly cpu?: string;
  readonly cpuPercent?: number;
  readonly memory?: string;
  readonly name?: string;
  readonly dryRun?: string;
}

export const autoscale: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('autoscale <type> [name]')
      .summary('let the load decide the number of replicas')
      .description('Creates a HorizontalPodAutoscaler, which scales a workload between two numbers of replicas.')
      .requiredOption('--max <count>', 'most replicas', wholeNumber('--max', 1))
      .option('--min <count>', 'fewest replicas (default 1)', wholeNumber('--min'))
      .option('--cpu <target>', 'CPU to aim at: 70% of what is requested, or 500m a pod (default 80%)')
      .option('--cpu-percent <percent>', 'the same as --cpu=<percent>%', wholeNumber('--cpu-percent', 1))
      .option('--memory <target>', 'memory to aim at: 60% of what is requested, or 200Mi a pod')
      .option('--name <name>', 'name of the autoscaler (default the name of the workload)')
      .option('--dry-run <none|server>', 'server: answer as if, but store nothing')
      .action((type: string, name: string | undefined, flags: AutoscaleFlags) =>
        inSession(program, io, (session) => runAutoscale(session, io, { words: name === undefined ? [type] : [type, name], flags })),
      );
    examples(command, [['Between 1 and 8, at 60 % of the requested CPU', 'berth autoscale deploy/api --min=1 --max=8 --cpu=60%']]);
  },
};

async function runAutoscale(
  session: Session,
  io: Io,
  { words, flags }: { readonly words: readonly string[]; readonly flags: AutoscaleFlags },
): Promise<void> {
  const { resource, name } = await parseTarget(words, session.discovery);
  if (!resource.subresources.includes('scale'))
    throw new CliError(`cannot autoscale a ${resource.kind}: the type has no replicas`, exitCodes.usage);
  if (flags.min !== undefined && flags.min > flags.max)
    throw new CliError(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${flags.max}, min: ${flags.min}`, exitCodes.usage);
  await session.client.json(pathOf(resource, { namespace: session.namespace, name })); // it exists, or the server says why not
  const autoscaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: flags.name ?? name },
    spec: {
      scaleTargetRef: { apiVersion: apiVersionOf(resource), kind: resource.kind, name },
      ...(flags.min !== undefined && { minReplicas: flags.min }),
      maxReplicas: flags.max,
      metrics: metricsOf(flags),
    },
  };
  const hpas = await session.discovery.find('horizontalpodautoscalers.v2.autoscaling');
  const path = pathOf(hpas, { namespace: session.namespace, query: { ...dryRunQuery(flags.dryRun), fieldManager: FIELD_MANAGER } });
  await session.client.json(path, { method: 'POST', body: JSON.stringify(autoscaler) });
  io.out.write(`horizontalpodautoscaler.autoscaling/${flags.name ?? name} autoscaled${dryRunSuffix(flags.dryRun)}\n`);
}

function metricsOf({ cpu, cpuPercent, memory }: AutoscaleFlags): readonly unknown[] {
  const cpuTarget = cpu ?? (cpuPercent === undefined ? (memory === undefined ? '80%' : undefined) : `${cpuPercent}%`);
  return [
    ...(cpuTarget === undefined ? [] : [resourceMetric('cpu', cpuTarget, 'm')]),
    ...(memory === undefined ? [] : [resourceMetric('memory', memory, 'Mi')]),
  ];
}

/** A bare number counts in the unit that kubectl gives it. */
function resourceMetric(name: string, target: string, unit: string): unknown {
  const percent = /^(\d+)%$/.exec(target)?.[1];
  if (percent !== undefined)
    return { type: 'Resource', resource: { name, target: { type: 'Utilization', averageUtilization: Number(percent) } } };
  if (!/^\d+(\.\d+)?(m|k|M|G|Ki|Mi|Gi|Ti)?$/.test(target))
    throw new CliError(
      `--${name} ${target}: a percentage such as 70%, or an amount such as ${name === 'cpu' ? '500m' : '200Mi'}, is needed`,
      exitCodes.usage,
    );
  const value = /^\d+$/.test(target) ? `${target}${unit}` : target;
  return { type: 'Resource', resource: { name, target: { type: 'AverageValue', averageValue: value } } };
}
