/** `berth`: runs the command line of this process. */
import { processIo } from './io.js';
import { run } from './program.js';

// A reader that has seen enough (`berth get pods | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv.slice(2), processIo());
