/**
 * `npm test`: installs what is missing, builds, checks style and boundaries, and runs every test: unit, contract and host
 * tests beside the code, then the end-to-end suites on real clusters. Prints one closing line with the totals.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runtimePackages, testPackages } from './setup/packages.mjs';
import { root, setUp } from './setup/setup.mjs';
import { run, show, step } from './setup/steps.mjs';

const results = mkdtempSync(join(tmpdir(), 'berth-test-'));
const totals = { passed: 0, failed: 0, skipped: 0 };

async function jest(name, config, extra = []) {
  const file = join(results, `${name}.json`);
  console.log(`\n== ${name} tests`);
  const code = await show(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--no-warnings=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      '--config',
      config,
      '--json',
      `--outputFile=${file}`,
      '--silent',
      ...extra,
    ],
    { cwd: root },
  );
  if (!existsSync(file)) {
    totals.failed += 1;
    return;
  }
  const result = JSON.parse(readFileSync(file, 'utf8'));
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
  totals.skipped += result.numPendingTests + result.numTodoTests;
  if (code !== 0 && result.numFailedTests + result.numRuntimeErrorTestSuites === 0) totals.failed += 1;
}

async function main() {
  await setUp({ ...runtimePackages, ...testPackages });
  await step('style, boundaries and tidiness', () => run('npm', ['run', '-s', 'verify'], { cwd: root }));
  await jest('unit', 'jest.config.json');
  await jest('host', 'test/jest.host.json', ['--runInBand']);
  await jest('end-to-end', 'test/jest.e2e.json', ['--runInBand']);
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  totals.failed += 1;
}
rmSync(results, { recursive: true, force: true });
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);
