/** Runs the tidiness checks over all files that git tracks or would track; prints findings and ends with 1 when there are any. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import {
  checkBannedGlobals,
  checkBoundaries,
  checkLength,
  checkLinks,
  checkMarkers,
  checkTitle,
  type Finding,
  type SourceFile,
} from './checks.js';

function trackedFiles(): readonly SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' });
  return listed
    .split('\n')
    .filter((path) => /\.(?:ts|md)$/.test(path) && existsSync(path))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

function foldersIn(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'adapters')
    .map((entry) => `${path}/${entry.name}`);
}

function checkReadmes(): readonly Finding[] {
  return [...foldersIn('libs'), ...foldersIn('libs/adapters')]
    .filter((folder) => !existsSync(`${folder}/README.md`))
    .map((folder) => ({ path: folder, line: 0, message: 'has no README.md (purpose, vocabulary, flow, may and may not import)' }));
}

const findings = [
  ...trackedFiles().flatMap((file) => [
    ...checkBannedGlobals(file),
    ...checkBoundaries(file),
    ...checkLength(file),
    ...checkMarkers(file),
    ...checkTitle(file),
    ...checkLinks(file, existsSync),
  ]),
  ...checkReadmes(),
];
for (const finding of findings) console.error(`${finding.path}:${finding.line}: ${finding.message}`);
console.log(findings.length === 0 ? 'tidy' : `${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);
