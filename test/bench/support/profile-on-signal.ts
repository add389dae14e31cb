/**
 * For `NODE_OPTIONS=--import=.../profile-on-signal.js`: SIGUSR2 starts a CPU profile of the process, the next one writes it to
 * `<tmp>/berth-<pid>.cpuprofile`.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SAMPLE_MICROSECONDS = 500;
let session: Session | undefined;

async function begin(): Promise<void> {
  session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROSECONDS });
  await session.post('Profiler.start');
}

async function end(running: Session): Promise<void> {
  session = undefined;
  const { profile } = await running.post('Profiler.stop');
  writeFileSync(join(tmpdir(), `berth-${process.pid}.cpuprofile`), JSON.stringify(profile));
  running.disconnect();
}

process.on('SIGUSR2', () => void (session === undefined ? begin() : end(session)));
