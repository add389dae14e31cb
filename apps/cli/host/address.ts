/** The name and address by which this host is known to others. */
import { createSocket } from 'node:dgram';
import { hostname, networkInterfaces } from 'node:os';
import { CliError, exitCodes } from '../errors.js';

/** The address from which packets to `host` leave; no packet is sent. Throws CliError where there is no route. */
export async function addressTowards(host: string, port: number): Promise<string> {
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(port, host, resolve);
    });
    return socket.address().address;
  } catch (error) {
    throw new CliError(
      `this host has no route to ${host}: ${error instanceof Error ? error.message : String(error)}`,
      exitCodes.failed,
      'Is the address of the join token reachable from here? --gateway and --node-address override what is detected.',
    );
  } finally {
    socket.close();
  }
}

/** The first address that is not loopback. */
export function firstAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

/** The host's name as a Node may be named: lower case, letters, digits, `-` and `.`. */
export function nodeNameOfHost(name = hostname()): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
}
