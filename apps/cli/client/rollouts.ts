/** What a rollout is doing, in kubectl's words. Pure: object in, sentence out. */
import type { DaemonSet, Deployment, StatefulSet } from '../../../libs/api/index.js';

export interface RolloutState {
  readonly message: string;
  readonly done: boolean;
  /** Set where it will not become done by itself. */
  readonly failed?: boolean;
}

interface Observed {
  readonly metadata?: { readonly generation?: number | undefined } | undefined;
  readonly status?: { readonly observedGeneration?: number | undefined } | undefined;
}

/** Counts only speak of the newest spec once the controller has seen it. */
function isObserved({ metadata, status }: Observed): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
}

export function deploymentRollout(deployment: Deployment): RolloutState {
  const { metadata, spec, status } = deployment;
  const name = metadata?.name ?? '';
  if (!isObserved(deployment)) return { message: 'Waiting for deployment spec update to be observed...', done: false };
  const progressing = status?.conditions?.find(({ type }) => type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded')
    return { message: `deployment "${name}" exceeded its progress deadline`, done: false, failed: true };
  const wanted = spec?.replicas ?? 1;
  const [updated, total, available] = [status?.updatedReplicas ?? 0, status?.replicas ?? 0, status?.availableReplicas ?? 0];
  const waiting = (what: string): RolloutState => ({
    message: `Waiting for deployment "${name}" rollout to finish: ${what}...`,
    done: false,
  });
  if (updated < wanted) return waiting(`${updated} out of ${wanted} new replicas have been updated`);
  if (total > updated) return waiting(`${total - updated} old replicas are pending termination`);
  if (available < updated) return waiting(`${available} of ${updated} updated replicas are available`);
  return { message: `deployment "${name}" successfully rolled out`, done: true };
}

export function daemonSetRollout(set: DaemonSet): RolloutState {
  const { metadata, spec, status } = set;
  const name = metadata?.name ?? '';
  if (spec?.updateStrategy?.type === 'OnDelete')
    return { message: 'rollout status is only available for RollingUpdate strategy type', done: false, failed: true };
  if (!isObserved(set)) return { message: 'Waiting for daemon set spec update to be observed...', done: false };
  const wanted = status?.desiredNumberScheduled ?? 0;
  const [updated, available] = [status?.updatedNumberScheduled ?? 0, status?.numberAvailable ?? 0];
  const waiting = (what: string): RolloutState => ({
    message: `Waiting for daemon set "${name}" rollout to finish: ${what}...`,
    done: false,
  });
  if (updated < wanted) return waiting(`${updated} out of ${wanted} new pods have been updated`);
  if (available < wanted) return waiting(`${available} of ${wanted} updated pods are available`);
  return { message: `daemon set "${name}" successfully rolled out`, done: true };
}

export function statefulSetRollout(set: StatefulSet): RolloutState {
  const { spec, status } = set;
  if (spec?.updateStrategy?.type === 'OnDelete')
    return { message: 'rollout status is only available for RollingUpdate strategy type', done: false, failed: true };
  if (!isObserved(set)) return { message: 'Waiting for statefulset spec update to be observed...', done: false };
  const wanted = spec?.replicas ?? 1;
  const [ready, updated] = [status?.readyReplicas ?? 0, status?.updatedReplicas ?? 0];
  if (ready < wanted) return { message: `Waiting for ${wanted - ready} pods to be ready...`, done: false };
  const partition = spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  if (partition > 0) {
    if (updated < wanted - partition)
      return {
        message: `Waiting for partitioned roll out to finish: ${updated} out of ${wanted - partition} new pods have been updated...`,
        done: false,
      };
    return { message: `partitioned roll out complete: ${updated} new pods have been updated...`, done: true };
  }
  if (status?.updateRevision !== status?.currentRevision)
    return {
      message: `waiting for statefulset rolling update to complete ${updated} pods at revision ${status?.updateRevision ?? ''}...`,
      done: false,
    };
  return {
    message: `statefulset rolling update complete ${status?.currentReplicas ?? 0} pods at revision ${status?.currentRevision ?? ''}...`,
    done: true,
  };
}
