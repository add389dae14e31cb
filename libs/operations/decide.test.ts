import { describe, expect, test } from '@jest/globals';
import { instant } from '../kit/index.js';
import { decideEnqueue, decideRun, isFinished, LOG_LINES_MAX, statusAfter } from './decide.js';
import type { StoredOperation } from './ports.js';

const now = instant(Date.UTC(2026, 0, 1));

function anOperation(spec: Partial<StoredOperation['spec']> = {}, status?: StoredOperation['status']): StoredOperation {
  return {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'Operation',
    metadata: { name: 'drain', uid: 'u1', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { type: 'DrainNode', ...spec },
    status,
  };
}

describe('an operation', () => {
  test('waits for a worker until it is finished', () => {
    expect(decideEnqueue(anOperation())).toBe('enqueue');
    expect(decideEnqueue(anOperation({}, { phase: 'Running', attempt: 1 }))).toBe('enqueue');
    expect(decideEnqueue(anOperation({}, { phase: 'Failed', attempt: 1 }))).toBe('nothing');
  });

  test('is cancelled at once while nobody works on it, by its worker otherwise', () => {
    expect(decideEnqueue(anOperation({ cancel: true }))).toBe('cancel');
    expect(decideEnqueue(anOperation({ cancel: true }, { phase: 'Running', attempt: 1 }))).toBe('enqueue');
    expect(decideRun(anOperation({ cancel: true }), { uid: 'u1', attempt: 1 })).toBe('cancel');
  });

  test('runs again when its attempt is raised', () => {
    const failed = anOperation({ attempt: 2 }, { phase: 'Failed', attempt: 1 });
    expect(isFinished(failed)).toBe(false);
    expect(decideRun(failed, { uid: 'u1', attempt: 2 })).toBe('run');
  });

  test('ignores deliveries for an earlier attempt, another object, or after its end', () => {
    expect(decideRun(anOperation({ attempt: 2 }), { uid: 'u1', attempt: 1 })).toBe('skip');
    expect(decideRun(anOperation(), { uid: 'u0', attempt: 1 })).toBe('skip');
    expect(decideRun(anOperation({}, { phase: 'Succeeded', attempt: 1 }), { uid: 'u1', attempt: 1 })).toBe('skip');
    expect(decideRun(undefined, { uid: 'u1', attempt: 1 })).toBe('skip');
  });

  test('keeps the newest lines of its log and never takes progress back', () => {
    const before = anOperation({}, { phase: 'Running', attempt: 1, progress: 40, log: ['first'] });
    const lines = Array.from({ length: LOG_LINES_MAX }, (_, index) => `line ${index}`);
    const after = statusAfter(before, { is: 'reported', percent: 10, message: 'm', lines }, now);
    expect(after.progress).toBe(40);
    expect(after.log).toHaveLength(LOG_LINES_MAX);
    expect(after.log?.[0]).toBe('line 0');
  });

  test('counts its starts and keeps the first start time over attempts', () => {
    const started = statusAfter(anOperation(), { is: 'started' }, now);
    expect(started).toMatchObject({ phase: 'Running', attempts: 1, startTime: '2026-01-01T00:00:00Z' });
    const again = statusAfter(anOperation({ attempt: 2 }, { ...started, phase: 'Failed' }), { is: 'started' }, instant(now + 60_000));
    expect(again).toMatchObject({ attempts: 2, attempt: 2, startTime: '2026-01-01T00:00:00Z' });
  });
});
