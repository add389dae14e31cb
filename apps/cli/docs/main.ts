/** `node main.js verify|update`: docs/cli.md against the program. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { distDir } from '../cluster/up.js';
import { processIo } from '../io.js';
import { buildProgram } from '../program.js';
import { verbGroups } from '../verbs/index.js';
import { renderReference } from './reference.js';

const file = join(distDir, '../docs/cli.md');

function render(): string {
  const program = buildProgram(processIo());
  const groups = verbGroups.map(({ title }) => ({
    title,
    names: program.commands
      .filter((command) => command.helpGroup() === title && !command.name().startsWith('__'))
      .map((command) => command.name()),
  }));
  return renderReference(program, groups);
}

const wanted = render();
if (process.argv[2] === 'update') {
  writeFileSync(file, wanted);
} else if (!existsSync(file) || readFileSync(file, 'utf8') !== wanted) {
  process.stderr.write('docs/cli.md does not say what berth does. Run: npm run update:cli-docs\n');
  process.exitCode = 1;
}
