/** `BuildImage`: unpacks a received context, builds it with buildah, and keeps the image in the cluster's store. Repeatable. */
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { isAbsolute, join, sep } from 'node:path';
import { ImageBuilder, type ClusterImageStore } from '../../../libs/adapters/images/index.js';
import { onCancel, type CancelSignal } from '../../../libs/kit/index.js';
import type { OperationHandler } from '../../../libs/operations/index.js';
import type { BuildContexts } from './build-contexts.js';

/** buildah prints `STEP 3/7: RUN ...`. */
const stepPattern = /^(?:\[\S+\] )?STEP (\d+)\/(\d+)/;

export interface BuildImageOptions {
  readonly images: ClusterImageStore;
  readonly contexts: BuildContexts;
  /** Build cache and work folders. */
  readonly folder: string;
  /** Parent of the cgroups of build steps. */
  readonly cgroup: string;
}

/** Parameters: `reference`, `context` (SHA-256 of the received tar), `dockerfile`, `target`, `buildArgs` (JSON list of NAME=value). */
export function buildImageHandler({ images, contexts, folder, cgroup }: BuildImageOptions): OperationHandler {
  const builder = new ImageBuilder({ root: join(folder, 'buildah'), images, cgroup });
  return async ({ spec }, reporter, signal) => {
    const { reference, context = '', dockerfile = 'Dockerfile', target, buildArgs } = spec.parameters ?? {};
    if (reference === undefined) throw new Error('spec.parameters[reference]: Required value: the name of the image');
    const tar = contexts.path(context);
    if (tar === undefined)
      throw new Error(`spec.parameters[context]: Not found: ${JSON.stringify(context)}: send the context first, as "berth build" does`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const contextDir = await mkdtemp(join(folder, 'context-'));
    const aborted = new AbortController();
    using _link = onCancel(signal, () => aborted.abort());
    try {
      await unpack(tar, contextDir, aborted.signal);
      await checkInside(contextDir, dockerfile);
      const onLine = (line: string): void => {
        reporter.log(line);
        const [, step, steps] = stepPattern.exec(line) ?? [];
        if (step !== undefined) reporter.progress((100 * (Number(step) - 1)) / Number(steps), line);
      };
      const held = await builder.build(
        { contextDir, dockerfile, reference, target, buildArgs: decodeArgs(buildArgs) },
        onLine,
        aborted.signal,
      );
      await contexts.forget(context);
      return `built ${held.reference} (${Math.round(held.sizeBytes / 1e6)} MB)`;
    } finally {
      await rm(contextDir, { recursive: true, force: true });
    }
  };
}

/** The Dockerfile must lie in the context, also behind links: a build must not read the control plane's own files. */
async function checkInside(contextDir: string, dockerfile: string): Promise<void> {
  const outside = new Error(`spec.parameters[dockerfile]: Invalid value: ${JSON.stringify(dockerfile)}: must be a file inside the context`);
  if (isAbsolute(dockerfile)) throw outside;
  const actual = await realpath(join(contextDir, dockerfile)).catch(() => undefined);
  if (actual === undefined || !actual.startsWith((await realpath(contextDir)) + sep)) throw outside;
}

function decodeArgs(text: string | undefined): Readonly<Record<string, string>> {
  const pairs = text === undefined ? [] : (JSON.parse(text) as readonly string[]);
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function unpack(tar: string, into: string, signal: CancelSignal & AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('tar', ['--extract', '--file', tar, '--directory', into, '--no-same-owner'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      signal,
    });
    let problem = '';
    child.stderr.on('data', (data: Buffer) => (problem += data.toString()));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`the context cannot be unpacked: ${problem.trim()}`))));
  });
}
