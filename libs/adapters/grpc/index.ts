export * from './gateway-client.js';
export * from './gateway-server.js';
export * from './node-identity.js';
export { newCertificateRequest } from './certificate-request.js';
export type { ServerTls } from './server-credentials.js';
