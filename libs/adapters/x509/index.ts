export * from './authority.js';
export * from './node-signer.js';
export * from './pki-directory.js';
export * from './token-signer.js';
