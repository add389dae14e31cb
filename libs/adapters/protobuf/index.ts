export { decodeProtobuf } from './decode.js';
