export { groupVersionPath, openApiHash, openApiV2Document, openApiV2Object, openApiV3Document, openApiV3Index } from './documents.js';
