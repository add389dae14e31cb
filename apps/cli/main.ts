/** berth: the list of verbs, and the one place where errors become messages and exit codes. */
import { Command, CommanderError } from 'commander';
import { CliError, exitCodes } from './errors.js';
import { paint, processIo } from './io.js';
import { verbs } from './verbs/index.js';

const io = processIo();
const program = new Command('berth')
  .description('Berth runs Kubernetes workloads on one machine or on many.')
  .option('--kubeconfig <file>', 'kubeconfig of the cluster to talk to')
  .option('--context <name>', 'context in that kubeconfig')
  .option('-n, --namespace <name>', 'namespace of the request')
  .showHelpAfterError('(see: berth --help)')
  .exitOverride()
  .configureOutput({ writeErr: (text) => io.err.write(text), writeOut: (text) => io.out.write(text) });

for (const verb of verbs) verb.register(program, io);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof CliError) {
    if (error.message !== '') io.err.write(`${paint(io, 'red', 'error:')} ${error.message}\n`);
    if (error.hint !== undefined) io.err.write(`${error.hint}\n`);
    return error.exitCode;
  }
  io.err.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.failed;
}
