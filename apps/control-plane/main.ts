/** `node main.js --config FILE.json`: one control plane process. */
import { loadConfig } from './load-config.js';
import { startControlPlane } from './control-plane.js';

const EXIT_USAGE = 2;

async function main(args: readonly string[]): Promise<void> {
  const file = args[args.indexOf('--config') + 1];
  if (!args.includes('--config') || file === undefined) {
    process.stderr.write('usage: main.js --config FILE.json\n');
    process.exitCode = EXIT_USAGE;
    return;
  }
  const controlPlane = await startControlPlane(await loadConfig(file));
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1); // asked twice: somebody is in a hurry
    stopping = true;
    void controlPlane[Symbol.asyncDispose]().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
