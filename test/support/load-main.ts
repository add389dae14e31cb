/** A process of its own that asks for URLs again and again, each on a fresh connection: `node load-main.js <per second> <url>...`. SIGTERM ends it with its count. */
import { get } from 'node:http';
import { argv } from 'node:process';

const [, , perSecond = '20', ...urls] = argv;
const TIMEOUT_MS = 3_000;
const counts = { requests: 0, failures: [] as string[], bodies: {} as Record<string, number> };

function ask(url: string): void {
  counts.requests += 1;
  const startedAt = new Date().toISOString();
  const fail = (reason: string): void => void counts.failures.push(`${startedAt} ${url}: ${reason}`);
  const request = get(url, { agent: false, timeout: TIMEOUT_MS }, (response) => {
    let body = '';
    response.on('data', (data: Buffer) => (body += data.toString()));
    response.on('end', () => {
      if (response.statusCode !== 200) fail(`status ${response.statusCode}`);
      counts.bodies[body.trim()] = (counts.bodies[body.trim()] ?? 0) + 1;
    });
    response.on('error', (error) => fail(error.message));
  });
  request.on('timeout', () => request.destroy(new Error('timed out')));
  request.on('error', (error) => fail(error.message));
}

let turn = 0;
const timer = setInterval(() => ask(urls[turn++ % urls.length] ?? ''), 1_000 / Number(perSecond));
process.on('SIGTERM', () => {
  clearInterval(timer);
  const wait = setInterval(() => {
    const answered = Object.values(counts.bodies).reduce((sum, count) => sum + count, 0);
    if (answered + counts.failures.length < counts.requests) return;
    clearInterval(wait);
    process.stdout.write(JSON.stringify(counts));
  }, 20);
});
