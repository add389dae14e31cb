/** Test images: one static busybox on nothing, built by `berth build` as a user would. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestCluster } from './test-cluster.js';

/** Every applet that the tests use is a link to the one binary. */
const applets = [
  'sh',
  'sleep',
  'cat',
  'echo',
  'ls',
  'wget',
  'nslookup',
  'httpd',
  'nc',
  'hostname',
  'id',
  'kill',
  'touch',
  'mkdir',
  'rm',
  'env',
  'head',
  'tail',
  'test',
  'true',
  'false',
  'date',
  'printf',
  'dd',
  'seq',
  'tar',
  'stty',
  'grep',
  'ps',
  'stat',
  'chmod',
];

/** Builds `reference` in the cluster's image store. */
export async function buildBusybox(cluster: TestCluster, reference = 'busybox:test'): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), 'berth-busybox-'));
  try {
    copyFileSync('/bin/busybox', join(context, 'busybox'));
    const links = applets.map((name) => `["/bin/busybox", "ln", "-s", "/bin/busybox", "/bin/${name}"]`);
    writeFileSync(
      join(context, 'Dockerfile'),
      [
        'FROM scratch',
        'COPY busybox /bin/busybox',
        ...links.slice(0, 1).map((link) => `RUN ${link}`),
        'RUN /bin/busybox mkdir -p /tmp /etc /root',
        `RUN for a in ${applets.slice(1).join(' ')}; do /bin/busybox ln -s /bin/busybox /bin/$a; done`,
        'CMD ["sleep", "1000000"]',
        '',
      ].join('\n'),
    );
    await cluster.berth(['build', '-t', reference, context], { timeoutMs: 120_000 });
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}
