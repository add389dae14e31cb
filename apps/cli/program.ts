/** The berth program: its global options, its verbs, and the one place where errors become messages and exit codes. */
import { Command, CommanderError } from 'commander';
import { ApiError } from './client/api-client.js';
import { CliError, exitCodes } from './errors.js';
import { paint, type Io } from './io.js';
import { verbGroups } from './verbs/index.js';

export function buildProgram(io: Io): Command {
  const program = new Command('berth')
    .description('Berth runs Kubernetes workloads on one machine or on many.')
    .option('--kubeconfig <file>', 'kubeconfig of the cluster to talk to')
    .option('--context <name>', 'context in that kubeconfig')
    .option('-n, --namespace <name>', 'namespace of the request')
    .showHelpAfterError('(see: berth --help)')
    .exitOverride()
    .configureOutput({ writeErr: (text) => io.err.write(text), writeOut: (text) => io.out.write(text) });
  for (const { title, verbs } of verbGroups) {
    program.commandsGroup(title);
    for (const verb of verbs) verb.register(program, io);
  }
  return program;
}

/** Runs one command line (without `node` and the script) and answers the exit code. Never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    await buildProgram(io).parseAsync([...normalise(argv)], { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    return report(error, io);
  }
}

/** Go's flag forms that commander does not know: `-o=json`, `--watch=true`, `--wait=false`. */
export function normalise(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  const changed = own.flatMap((word) => {
    const short = /^(-[a-zA-Z])=(.*)$/s.exec(word);
    if (short !== null) return [short[1] ?? '', short[2] ?? ''];
    const long = /^--([a-z-]+)=(true|false)$/.exec(word);
    if (long === null) return [word];
    if (long[2] === 'true') return [`--${long[1]}`];
    return negatable.has(long[1] ?? '') ? [`--no-${long[1]}`] : [];
  });
  return end < 0 ? changed : [...changed, ...argv.slice(end)];
}

/** Options that are on by default. */
const negatable: ReadonlySet<string> = new Set(['wait', 'watch', 'show-events']);

function report(error: unknown, io: Io): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof CliError) {
    // The server's own words come without a prefix, as kubectl prints them.
    const prefix = error instanceof ApiError || error.exitCode === exitCodes.unreachable ? '' : `${paint(io, 'red', 'error:')} `;
    if (error.message !== '') io.err.write(`${prefix}${error.message}\n`);
    if (error.hint !== undefined) io.err.write(`${error.hint}\n`);
    return error.exitCode;
  }
  io.err.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.failed;
}
