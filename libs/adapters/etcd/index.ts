export { EtcdStore, type EtcdStoreOptions } from './etcd-store.js';
export { startEtcd, type EtcdServer, type EtcdServerOptions } from './etcd-server.js';
export type { EtcdAddress, EtcdTls } from './connection.js';
