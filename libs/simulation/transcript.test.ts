import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../api/index.js';
import { formatTranscript, parseTranscript, runTranscript } from './index.js';

/** The sources: compiled tests run from `dist`, testdata is not compiled. */
const folder = join(fileURLToPath(new URL('.', import.meta.url)).replace('/dist/', '/'), 'testdata');
const isRewriting = process.env['BERTH_REWRITE'] === '1';

const parse = (manifest: string): readonly KubeObject[] => parseAllDocuments(manifest).map((document) => document.toJS() as KubeObject);

describe('cluster transcripts', () => {
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.txt'))) {
    test(name, async () => {
      const path = join(folder, name);
      const expected = readFileSync(path, 'utf8');
      const actual = formatTranscript(await runTranscript(parseTranscript(expected), parse));
      if (isRewriting) writeFileSync(path, actual);
      else expect(actual).toBe(expected);
    });
  }
});
