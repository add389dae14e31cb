// Puts load on the shop through its front door for a bounded time, then ends: SECONDS (60), WORKERS (16), TARGET.
'use strict';
const http = require('node:http');

const { SECONDS = '60', WORKERS = '16', TARGET = 'http://shop-web/api/receipt' } = process.env;
const until = Date.now() + Math.min(Number(SECONDS), 600) * 1000;
const byPod = new Map();
let failed = 0;

function once() {
  return new Promise((resolve) => {
    const request = http.get(TARGET, { timeout: 5000 }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () => {
        try {
          const { pod } = JSON.parse(body);
          byPod.set(pod, (byPod.get(pod) ?? 0) + 1);
        } catch {
          failed += 1;
        }
        resolve();
      });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => {
      failed += 1;
      setTimeout(resolve, 50);
    });
  });
}

async function worker() {
  while (Date.now() < until) await once();
}

function report() {
  const pods = [...byPod].map(([pod, count]) => `${pod} ${count}`).join(', ');
  console.log(`answered by: ${pods || 'nobody yet'}; failed: ${failed}`);
}

const ticker = setInterval(report, 2000);
void Promise.all(Array.from({ length: Number(WORKERS) }, worker)).then(() => {
  clearInterval(ticker);
  report();
});
