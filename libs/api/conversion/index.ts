export { convertObject } from './convert.js';
