/** The order in which a pod's containers end (Kubernetes docs, Sidecar Containers: termination). */
import type { ContainerSlot } from './container-slot.js';

/** Regular and init containers together, then sidecars one after the other, the last started first. */
export async function stopContainers(slots: readonly ContainerSlot[], stop: (slot: ContainerSlot) => Promise<void>): Promise<void> {
  await Promise.all(slots.filter(({ kind }) => kind !== 'sidecar').map(stop));
  for (const sidecar of slots.filter(({ kind }) => kind === 'sidecar').reverse()) await stop(sidecar);
}
