/** berth build: an image from a Dockerfile, made by the cluster and at once usable by its pods. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { createOperation, followOperation } from '../client/operations.js';
import { openSession, type Session } from '../client/session.js';
import { CliError, exitCodes } from '../errors.js';
import { progress, type Io } from '../io.js';
import { examples, type Verb } from '../verb.js';

interface BuildFlags {
  readonly tag: string;
  readonly file?: string;
  readonly target?: string;
  readonly buildArg: readonly string[];
}

export const build: Verb = {
  register(program: Command, io: Io): void {
    const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
    const command = program
      .command('build <context>')
      .summary('build an image from a Dockerfile')
      .description(
        'Sends the folder to the cluster, which builds the image (an Operation: it goes on when this command is killed) and keeps it.\nPods of every host can use it at once; no registry is needed. Ctrl-C cancels the build.',
      )
      .requiredOption('-t, --tag <reference>', 'name of the image')
      .option('-f, --file <path>', 'Dockerfile (default <context>/Dockerfile)')
      .option('--target <stage>', 'stage of a multi-stage Dockerfile to build')
      .option('--build-arg <name=value>', 'value of an ARG, may be repeated', collect, [])
      .action(async (context: string, flags: BuildFlags) => {
        using session = openSession(program, io);
        await buildImage(session, io, { context: resolve(context), flags });
      });
    examples(command, [['Build and run', 'berth build -t hello . && kubectl create deployment hello --image=hello']]);
  },
};

export interface BuildRequest {
  readonly context: string;
  readonly flags: BuildFlags;
}

/** Uploads the context and follows the build. Throws CliError. */
export async function buildImage({ client }: Session, io: Io, { context, flags }: BuildRequest): Promise<void> {
  if (!existsSync(context) || !statSync(context).isDirectory()) throw new CliError(`${context} is not a folder`, exitCodes.usage);
  const dockerfile = flags.file === undefined ? 'Dockerfile' : relative(context, resolve(flags.file));
  if (!existsSync(join(context, dockerfile)))
    throw new CliError(
      `${join(context, dockerfile)} does not exist`,
      exitCodes.usage,
      'Name the Dockerfile, inside the context, with --file.',
    );
  const contextId = await progress(io, `send ${context}`, () => sendContext(client, context));
  const operation = await createOperation(client, {
    generateName: 'build-',
    type: 'BuildImage',
    parameters: {
      reference: flags.tag,
      context: contextId,
      dockerfile,
      ...(flags.target && { target: flags.target }),
      ...(flags.buildArg.length > 0 && { buildArgs: JSON.stringify(flags.buildArg) }),
    },
  });
  await followOperation(client, operation, io);
  io.out.write(`${flags.tag}\n`);
}

async function sendContext(client: Session['client'], context: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-context-'));
  try {
    const file = join(folder, 'context.tar');
    await pack(context, file);
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    const id = hash.digest('hex');
    await client.upload(`/berth/contexts/${id}`, file);
    return id;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function pack(context: string, file: string): Promise<void> {
  const tar = spawn('tar', ['--create', '--sort=name', '--directory', context, '.'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let problem = '';
  tar.stderr.on('data', (data: Buffer) => (problem += data.toString()));
  const ended = new Promise<number | null>((done) => tar.on('close', done));
  await pipeline(tar.stdout, createWriteStream(file));
  if ((await ended) !== 0) throw new CliError(`tar could not read ${context}: ${problem.trim()}`);
}
