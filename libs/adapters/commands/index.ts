export { CommandShells } from './command-shells.js';
export * from './run-command.js';
