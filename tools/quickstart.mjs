/** `npm run quickstart`: from a fresh clone to the demo application on three hosts. */
import { runtimePackages } from './setup/packages.mjs';
import { root, setUp } from './setup/setup.mjs';
import { show } from './setup/steps.mjs';

console.log('Berth quickstart: three hosts and a three-tier application on this machine.');
try {
  await setUp(runtimePackages);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
process.exit(await show(process.execPath, [`${root}/dist/apps/cli/main.js`, 'quickstart', ...process.argv.slice(2)]));
