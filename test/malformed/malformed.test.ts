import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { startInMemoryApi, type InMemoryApi } from '../support/api-in-memory.js';
import { malformedBodies } from './bodies.js';
import { judge, send, type MalformedCase } from './judge.js';

const cases = parse(readFileSync(new URL('../../../test/malformed/cases.yaml', import.meta.url), 'utf8')) as readonly MalformedCase[];
const configMaps = '/api/v1/namespaces/default/configmaps';

let api: InMemoryApi;
beforeAll(async () => {
  api = await startInMemoryApi();
  const account = { type: 'application/json', data: '{"metadata":{"name":"default"}}' };
  await send(api, 'POST', '/api/v1/namespaces/default/serviceaccounts', account);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

describe('a malformed manifest is refused, in the words that a Kubernetes user knows, and not stored', () => {
  test('there are enough of them', () => expect(cases.length + malformedBodies.length).toBeGreaterThanOrEqual(100));

  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const { code, reason, message, isStored } = await judge(api, one);
    expect(message).toBe(one.error);
    expect({ code, reason, isStored }).toEqual({
      code: reason === 'Invalid' ? 422 : 400,
      reason: expect.stringMatching(/^(Invalid|BadRequest)$/),
      isStored: false,
    });
  });
});

describe('a body that is no manifest harms nobody', () => {
  test.each(malformedBodies.map((one) => [one.name, one] as const))('%s', async (_name, { type, data, code, error }) => {
    const answer = await send(api, 'POST', configMaps, { type, data });
    expect(answer.code).toBe(code);
    if (typeof error === 'string') expect(answer.message).toBe(error);
    else expect(answer.message).toMatch(error);
  });

  test('the server answers as before, and holds nothing of all that', async () => {
    expect((await send(api, 'GET', '/api/v1/namespaces/default')).code).toBe(200);
    expect((await send(api, 'GET', `${configMaps}/x`)).code).toBe(404);
  });
});
