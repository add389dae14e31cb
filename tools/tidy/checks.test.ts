import { describe, expect, test } from '@jest/globals';
import { checkBannedGlobals, checkBoundaries, checkLength, checkLinks, checkMarkers, checkTitle } from './checks.js';

const inFile = (path: string, text: string) => ({ path, text });

describe('tidy', () => {
  test('pure libs see neither the clock nor chance nor the host', () => {
    const path = 'libs/scheduler/pick.ts';
    expect(checkBannedGlobals(inFile(path, 'const now = Date.now();'))).toHaveLength(1);
    expect(checkBannedGlobals(inFile(path, 'const x = Math.random();'))).toHaveLength(1);
    expect(checkBannedGlobals(inFile(path, "import { readFile } from 'node:fs';"))).toHaveLength(1);
    expect(checkBannedGlobals(inFile(path, ' * never calls Date.now() itself'))).toHaveLength(0);
    expect(checkBannedGlobals(inFile('libs/adapters/system/clock.ts', 'Date.now()'))).toHaveLength(0);
  });

  test('arrows point down only, and through index.js', () => {
    const path = 'libs/scheduler/filters/fit.ts';
    expect(checkBoundaries(inFile(path, "import { x } from '../../storage/index.js';"))).toEqual([]);
    expect(checkBoundaries(inFile(path, "import { x } from '../../storage/memory/store.js';"))[0]?.message).toContain('index.js');
    expect(checkBoundaries(inFile(path, "import { x } from '../../adapters/etcd/index.js';"))[0]?.message).toContain('port');
    expect(checkBoundaries(inFile(path, "import { x } from '../../../apps/cli/main.js';"))[0]?.message).toContain('down');
    expect(checkBoundaries(inFile('libs/storage/a.ts', "import { x } from '../gateway/index.js';"))[0]?.message).toContain('layer');
  });

  test('long files, unowned markers, second titles and dead links are found', () => {
    expect(checkLength(inFile('libs/kit/a.ts', 'x\n'.repeat(501)))).toHaveLength(1);
    expect(checkMarkers(inFile('libs/kit/a.ts', '// TODO later'))).toHaveLength(1);
    expect(checkMarkers(inFile('libs/kit/a.ts', '// TODO(#12) later'))).toHaveLength(0);
    expect(checkTitle(inFile('README.md', '# a\n# b\n'))).toHaveLength(1);
    expect(checkTitle(inFile('README.md', '# a\n```\n# comment\n```\n'))).toHaveLength(0);
    expect(checkLinks(inFile('docs/a.md', '[x](b.md)'), () => false)[0]?.message).toContain('docs/b.md');
  });
});
