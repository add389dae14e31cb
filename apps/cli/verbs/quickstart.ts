/** berth quickstart: a cluster of three hosts and the demo application on it; what `npm run quickstart` ends in. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { loadConnection } from '../client/kubeconfig.js';
import type { ApiClient } from '../client/api-client.js';
import { sessionWith } from '../client/session.js';
import { layoutOf, saveOptions, type ClusterLayout } from '../cluster/layout.js';
import { distDir, startCluster, until } from '../cluster/up.js';
import { buildDemoImages } from '../demo/images.js';
import { paint, progress, type Io } from '../io.js';
import { examples, type Verb } from '../verb.js';
import { optionsFrom } from './up.js';

const NAMESPACE = 'shop';
const READY_TIMEOUT_MS = 120_000;
const NODE_PORT = 30_080;

export const quickstart: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('quickstart')
      .summary('start a cluster and the demo application')
      .description(
        'Starts three hosts on this machine, builds the images of the demo shop, applies it and waits until it is ready.\nRunning it again finishes what is missing.',
      )
      .option('--nodes <count>', 'number of hosts', '3')
      .action((flags: { nodes: string }) => runQuickstart(program, io, flags));
    examples(command, [['From nothing to a running application', 'berth quickstart']]);
  },
};

async function runQuickstart(program: Command, io: Io, flags: { readonly nodes: string }): Promise<void> {
  const options = optionsFrom(flags);
  const layout = layoutOf(options);
  saveOptions(options);
  await startCluster(layout, io);
  using session = sessionWith(loadConnection(layout.kubeconfig), io, 'default');
  const { client } = session;
  const sources = join(distDir, '../manifests/shop');
  await buildDemoImages(session, io, { sources, cacheDir: join(layout.dataDir, 'demo/images') });
  await progress(io, 'apply manifests/shop/shop.yaml', () => applyQuietly(program, layout, join(sources, 'shop.yaml')));
  await progress(io, 'shop ready', (note) => waitForShop(client, note));
  await show(client, layout, io);
}

/** The same verb that a user would type. */
async function applyQuietly(program: Command, layout: ClusterLayout, file: string): Promise<void> {
  await program.parseAsync(['--kubeconfig', layout.kubeconfig, 'apply', '-f', file], { from: 'user' });
}

interface DeploymentList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly replicas?: number };
    readonly status?: { readonly availableReplicas?: number };
  }[];
}

async function waitForShop(client: ApiClient, note: (text: string) => void): Promise<void> {
  await until(READY_TIMEOUT_MS, async () => {
    const { items } = await client.json<DeploymentList>(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments`);
    const waiting = items.filter((item) => (item.status?.availableReplicas ?? 0) < (item.spec.replicas ?? 1));
    note(waiting.length === 0 ? `${items.length} workloads` : `waiting for ${waiting.map((item) => item.metadata.name).join(', ')}`);
    return items.length > 0 && waiting.length === 0;
  });
}

interface Table {
  readonly columnDefinitions: readonly { readonly name: string }[];
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
}

const shownColumns = ['Name', 'Ready', 'Status', 'Restarts', 'IP', 'Node'];

async function show(client: ApiClient, layout: ClusterLayout, io: Io): Promise<void> {
  const table = await client.json<Table>(`/api/v1/namespaces/${NAMESPACE}/pods`, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  });
  const columns = shownColumns
    .map((name) => table.columnDefinitions.findIndex((column) => column.name === name))
    .filter((index) => index >= 0);
  const rows = [
    shownColumns.map((name) => name.toUpperCase()),
    ...table.rows.map((row) => columns.map((index) => String(row.cells[index] ?? ''))),
  ];
  const widths = shownColumns.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  io.out.write('\n');
  for (const row of rows)
    io.out.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd()}\n`,
    );
  const url = `http://${layout.hosts[0]?.address}:${NODE_PORT}/`;
  const commands: readonly (readonly [string, string])[] = [
    [`export KUBECONFIG=${layout.kubeconfig}`, 'then stock kubectl and Helm work'],
    ['kubectl get pods -n shop -o wide', 'what runs where (bin/berth get does the same)'],
    ['bin/berth apply -f manifests/shop/load.yaml', 'a minute of load on the shop'],
    ['bin/berth get hpa,pods -n shop -w', 'watch the middle tier scale, and only it'],
    ['bin/berth down', 'end everything; "npm run quickstart" brings it back'],
  ];
  io.out.write(`\nThe shop is at ${paint(io, 'bold', url)}\n\nTry next:\n`);
  for (const [line, does] of commands) io.out.write(`  ${paint(io, 'cyan', line.padEnd(50))} ${paint(io, 'dim', does)}\n`);
}
