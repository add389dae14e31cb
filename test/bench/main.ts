/** `npm run bench -- NAME`: runs one bench; progress on stderr, and one JSON object as the last line of stdout. */
import { apiBench } from './api/api.js';
import { autoscale } from './autoscale.js';
import { BenchContext, type Bench } from './bench.js';
import { footprint } from './footprint.js';
import { nodeLoss } from './node-loss.js';
import { podStart } from './pod-start.js';
import { scaleOut } from './scale-out.js';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

const benches: readonly Bench[] = [scaleOut, podStart, apiBench, footprint, autoscale, nodeLoss];

async function main(args: readonly string[]): Promise<number> {
  const [name, ...others] = args;
  const bench = benches.find((candidate) => candidate.name === name);
  if (bench === undefined || others.length > 0) {
    const list = benches.map(({ name: known, about }) => `  ${known.padEnd(12)}${about}\n`).join('');
    process.stderr.write(`${name === undefined ? '' : `no such bench: ${args.join(' ')}\n`}usage: npm run bench -- NAME\n${list}`);
    return name === undefined ? 0 : EXIT_USAGE;
  }
  return run(bench);
}

async function run(bench: Bench): Promise<number> {
  const context = new BenchContext();
  const givenUp = async (why: string, code: number): Promise<never> => {
    process.stderr.write(`${why}; cleaning up\n`);
    await context[Symbol.asyncDispose]();
    process.exit(code);
  };
  process.once('SIGINT', () => void givenUp('interrupted', EXIT_INTERRUPTED));
  process.once('SIGTERM', () => void givenUp('ended', EXIT_INTERRUPTED));
  process.once('uncaughtException', (error) => void givenUp(error.stack ?? error.message, EXIT_FAILURE));
  const timer = setTimeout(() => void givenUp(`not done after ${bench.limitMs / 1000} s`, EXIT_FAILURE), bench.limitMs);
  try {
    const figures = await bench.run(context);
    await context[Symbol.asyncDispose]();
    process.stdout.write(`${JSON.stringify(rounded(figures))}\n`);
    return 0;
  } finally {
    clearTimeout(timer);
    await context[Symbol.asyncDispose]();
  }
}

/** Three digits after the point say more than any run can repeat. */
function rounded(figures: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value * 1000) / 1000]));
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(EXIT_FAILURE);
  },
);
