export { HostVolumes } from './host-volumes.js';
export type { HostVolumesOptions } from './host-volumes.js';
