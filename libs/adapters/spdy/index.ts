export { serveSpdy } from './session.js';
export type { ByteLine, SpdyStream } from './session.js';
export type { Headers } from './header-codec.js';
