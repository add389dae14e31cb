/** The life of the agent's process: configuration, start, signals, end. */
import { createLogger } from '../../libs/adapters/system/index.js';
import { loadConfig } from './load-config.js';
import { startNodeAgent } from './node-agent.js';
import type { NodeAgentParts, RunningNodeAgent } from './node-agent.js';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const USAGE = 'usage: main.js --config FILE.json [--drain-on-exit]\n';

/** Resolves when the agent runs. SIGTERM and SIGINT end it; containers stay unless `--drain-on-exit` is given. */
export async function runAgent(args: readonly string[], openImages: NodeAgentParts['openImages']): Promise<void> {
  const file = args[args.indexOf('--config') + 1];
  if (!args.includes('--config') || file === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const config = await loadConfig(file);
  const log = createLogger({
    level: config.log.level,
    format: config.log.format === 'text' ? 'human' : 'json',
    fields: { node: config.nodeName },
  });
  const stopping = new AbortController();
  let agent: RunningNodeAgent | undefined;
  const stop = async (): Promise<void> => {
    if (stopping.signal.aborted) process.exit(EXIT_FAILURE); // asked twice: somebody is in a hurry
    stopping.abort();
    if (args.includes('--drain-on-exit')) await agent?.drain();
    await agent?.[Symbol.asyncDispose]();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());
  process.on('unhandledRejection', (error) => log.error('a promise was left alone with its error', { error }));
  agent = await startNodeAgent(config, { log, signal: stopping.signal, openImages });
  log.info('node agent runs', { pid: process.pid });
}

/** What could not be started is said once, in words. */
export function exitWith(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(EXIT_FAILURE);
}
