// The middle tier of the shop: reads and writes rows, and says which pod on which host answered.
// Node's own HTTP server and the distribution's PostgreSQL client; configuration from the environment.
'use strict';
const http = require('node:http');
const { createHash } = require('node:crypto');
const { Pool } = require('pg');

const { PORT = '8080', DB_HOST = 'shop-db', DB_PASSWORD = '', POD_NAME = 'local', NODE_NAME = 'local' } = process.env;
const pool = new Pool({ host: DB_HOST, user: 'shop', database: 'postgres', password: DB_PASSWORD, max: 4, connectionTimeoutMillis: 2000 });
pool.on('error', (error) => console.error(`database connection lost: ${error.message}`));

let ready = false;
let answered = 0;

const articles = [
  ['Rope, 20 m', 1900],
  ['Anchor', 8900],
  ['Compass', 4500],
  ['Lantern', 3200],
];

async function prepareDatabase() {
  await pool.query('CREATE TABLE IF NOT EXISTS articles (id serial PRIMARY KEY, name text UNIQUE NOT NULL, cents int NOT NULL)');
  await pool.query(
    'CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, article int NOT NULL REFERENCES articles, receipt text NOT NULL, pod text NOT NULL, at timestamptz NOT NULL DEFAULT now())',
  );
  for (const [name, cents] of articles)
    await pool.query('INSERT INTO articles (name, cents) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING', [name, cents]);
}

// Each order gets a receipt that costs CPU on purpose: this is what load makes expensive and scaling makes fast again.
function receiptFor(article) {
  let hash = `${article}:${Date.now()}:${POD_NAME}`;
  for (let round = 0; round < 6000; round++) hash = createHash('sha256').update(hash).digest('hex');
  return hash.slice(0, 16);
}

async function listArticles() {
  const { rows } = await pool.query(
    'SELECT a.id, a.name, a.cents, count(o.id)::int AS sold FROM articles a LEFT JOIN orders o ON o.article = a.id GROUP BY a.id ORDER BY a.id',
  );
  return rows;
}

async function listOrders() {
  const { rows } = await pool.query(
    'SELECT o.id, a.name, o.receipt, o.pod, o.at FROM orders o JOIN articles a ON a.id = o.article ORDER BY o.id DESC LIMIT 10',
  );
  const { rows: total } = await pool.query('SELECT count(*)::int AS count FROM orders');
  return { total: total[0].count, latest: rows };
}

async function placeOrder(article) {
  const { rows } = await pool.query('INSERT INTO orders (article, receipt, pod) VALUES ($1, $2, $3) RETURNING id, receipt', [
    article,
    receiptFor(article),
    POD_NAME,
  ]);
  return rows[0];
}

const routes = {
  'GET /api/articles': listArticles,
  'GET /api/orders': listOrders,
  'POST /api/orders': (url) => placeOrder(Number(url.searchParams.get('article') ?? 1)),
  'GET /api/receipt': async () => ({ receipt: receiptFor(0) }),
  'GET /api/whoami': async () => ({}),
};

async function answer(request, response) {
  const url = new URL(request.url, 'http://shop');
  if (url.pathname === '/healthz') return send(response, 200, { alive: true });
  if (url.pathname === '/readyz') return send(response, ready ? 200 : 503, { ready });
  const route = routes[`${request.method} ${url.pathname}`];
  if (route === undefined) return send(response, 404, { error: `no ${request.method} ${url.pathname} here` });
  answered += 1;
  return send(response, 200, { pod: POD_NAME, node: NODE_NAME, answered, data: await route(url) });
}

function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

const server = http.createServer((request, response) => {
  answer(request, response).catch((error) => send(response, 503, { pod: POD_NAME, error: error.message }));
});

// Ready means: the database answers. It is asked again and again, so that a database that comes back is noticed.
async function watchDatabase() {
  try {
    if (!ready) await prepareDatabase();
    else await pool.query('SELECT 1');
    if (!ready) console.log(`ready: database ${DB_HOST} answers`);
    ready = true;
  } catch (error) {
    if (ready) console.log(`not ready: ${error.message}`);
    ready = false;
  }
  setTimeout(() => void watchDatabase(), ready ? 1000 : 200);
}

server.listen(Number(PORT), () => console.log(`listening on ${PORT} as ${POD_NAME} on ${NODE_NAME}`));
void watchDatabase();
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    ready = false;
    server.close(() => process.exit(0));
    setTimeout(() => process.exit(0), 2000).unref();
  });
}
