/** `npm run setup`: installs what is missing and builds, without starting anything. */
import { runtimePackages } from './setup/packages.mjs';
import { setUp } from './setup/setup.mjs';

try {
  await setUp(runtimePackages);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
