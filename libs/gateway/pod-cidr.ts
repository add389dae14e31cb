/** Each node gets its own part of the cluster's pod network. */

/** The first free network of `maskSize` bits inside `clusterCidr`. Throws when all are taken. IPv4. */
export function allocatePodCidr(clusterCidr: string, maskSize: number, taken: ReadonlySet<string>): string {
  const [base = '', bits = ''] = clusterCidr.split('/');
  const size = 2 ** (32 - maskSize);
  const count = 2 ** (maskSize - Number(bits));
  const start = addressNumber(base);
  for (let index = 0; index < count; index++) {
    const cidr = `${addressText(start + index * size)}/${maskSize}`;
    if (!taken.has(cidr)) return cidr;
  }
  throw new Error(
    `no free pod network: all ${count} networks of /${maskSize} in ${clusterCidr} are taken; enlarge clusterCidr or delete unused nodes`,
  );
}

function addressNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function addressText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
