/** The contract `proto/agent.proto`, loaded once. Everything that touches raw messages is in this folder. */
import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';
import { loadPackageDefinition } from '@grpc/grpc-js';
import type { ServiceClientConstructor, ServiceDefinition } from '@grpc/grpc-js';

/** Seen from `dist/libs/adapters/grpc/`. */
const PROTO_FILE = fileURLToPath(new URL('../../../../proto/agent.proto', import.meta.url));

/** A full assignment of a large cluster is the largest message. */
export const MESSAGE_BYTES_MAX = 128 * 1024 * 1024;

let loaded: ServiceClientConstructor | undefined;

/** Client class and, as its `service`, the server's definition. */
export function gatewayService(): ServiceClientConstructor & { readonly service: ServiceDefinition } {
  loaded ??= load();
  return loaded;
}

function load(): ServiceClientConstructor {
  const definition = loadSync(PROTO_FILE, { longs: Number, enums: String, defaults: true, oneofs: true });
  const root = loadPackageDefinition(definition) as unknown as { berth: { agent: { v1: { Gateway: ServiceClientConstructor } } } }; // decode: the shape of the file
  return root.berth.agent.v1.Gateway;
}
