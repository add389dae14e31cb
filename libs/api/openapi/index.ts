export { groupVersionPath, openApiHash, openApiV2Document, openApiV2Protobuf, openApiV3Document, openApiV3Index } from './documents.js';
