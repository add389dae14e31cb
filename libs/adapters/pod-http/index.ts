export { podHttp } from './pod-http.js';
