/** Prints what is being done, with elapsed time, and runs commands with their output kept for the case of failure. */
import { spawn } from 'node:child_process';

const isTerminal = process.stdout.isTTY === true;
const started = Date.now();

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Runs one named step; its function may return a short note that is shown behind the name. */
export async function step(name, run) {
  const at = Date.now();
  if (isTerminal) process.stdout.write(`  .. ${name}\r`);
  try {
    const note = await run();
    process.stdout.write(`  ok ${name}${note ? ` (${note})` : ''}  ${seconds(Date.now() - at)}, total ${seconds(Date.now() - started)}\n`);
  } catch (error) {
    process.stdout.write(`FAIL ${name}  ${seconds(Date.now() - at)}\n`);
    throw error;
  }
}

/** Runs a command quietly; on failure the error carries the last lines that it printed. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    const keep = (data) => {
      output = (output + data.toString()).slice(-20_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output.split('\n').slice(-25).join('\n')}`));
    });
  });
}

/** Runs a command with our own terminal; answers its exit code. */
export function show(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ? 128 : (code ?? 1)));
  });
}
