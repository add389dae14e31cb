/** `/livez`, `/readyz`, `/healthz` in Kubernetes' plain-text form, with `?verbose` and `?exclude=`. */
import type { HealthCheck } from '../ports.js';
import type { Query } from '../serve/query.js';

/** Answers as long as anything does. */
export const ping: HealthCheck = { name: 'ping', critical: true, check: () => Promise.resolve(undefined) };

export interface HealthAnswer {
  readonly status: number;
  readonly text: string;
}

/** Not ready only by critical checks; the others are shown as warnings. A check that throws counts as failed. */
export async function healthAnswer(endpoint: string, checks: readonly HealthCheck[], query: Query): Promise<HealthAnswer> {
  const excluded = new Set(query.get('exclude') ?? []);
  const results = await Promise.all(checks.filter((check) => !excluded.has(check.name)).map(outcome));
  const failed = results.some(({ problem, check }) => problem !== undefined && check.critical);
  if (!failed && !query.has('verbose')) return { status: 200, text: 'ok' };
  const left = checks.filter((check) => excluded.has(check.name)).map((check) => `[+]${check.name} excluded: ok`);
  const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name));
  const wrong =
    unknown.length === 0
      ? []
      : [`warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => `"${name}"`).join(', ')}`];
  const lines = [...results.map(({ check, problem }) => line(check, problem)), ...left, ...wrong];
  const verdict = failed ? `${endpoint} check failed` : `${endpoint} check passed`;
  return { status: failed ? 500 : 200, text: `${[...lines, verdict].join('\n')}\n` };
}

async function outcome(check: HealthCheck): Promise<{ readonly check: HealthCheck; readonly problem: string | undefined }> {
  try {
    return { check, problem: await check.check() };
  } catch (error) {
    return { check, problem: error instanceof Error ? error.message : String(error) };
  }
}

function line(check: HealthCheck, problem: string | undefined): string {
  if (problem === undefined) return `[+]${check.name} ok`;
  return check.critical ? `[-]${check.name} failed: ${problem}` : `[!]${check.name} degraded (not critical): ${problem}`;
}
