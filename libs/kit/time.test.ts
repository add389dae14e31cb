import { describe, expect, test } from '@jest/globals';
import { formatMicroTime, formatTime, instant, parseTime } from './index.js';

describe('times of the Kubernetes API', () => {
  test('Time has whole seconds, MicroTime has six digits', () => {
    const at = instant(Date.UTC(2026, 10, 22, 8, 0, 0, 123));
    expect(formatTime(at)).toBe('2026-11-22T08:00:00Z');
    expect(formatMicroTime(at)).toBe('2026-11-22T08:00:00.123000Z');
  });

  test('what is not a time parses to undefined', () => {
    expect(parseTime('soon')).toBeUndefined();
    expect(parseTime('2026-11-22T08:00:00+02:00')).toBe(Date.UTC(2026, 10, 22, 6));
  });
});
