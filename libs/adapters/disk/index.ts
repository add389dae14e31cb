export { AssignmentFile } from './assignment-file.js';
