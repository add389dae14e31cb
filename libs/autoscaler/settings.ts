/** What an autoscaler is tuned with. Defaults are Kubernetes' where they are promises, and shorter where they only hide slow metrics. */
export interface AutoscalerSettings {
  /** Between two looks at one autoscaler; samples arrive each second. Kubernetes: 15 s. */
  readonly intervalMs: number;
  /** Within this share of the target nothing is done. */
  readonly tolerance: number;
  /** How long after its start a pod's CPU is only believed when the sample is younger than its readiness. Kubernetes: 5 min. */
  readonly cpuInitializationMs: number;
  /** A pod that was never ready for longer than this after its start is not ready, and does not count. Kubernetes: 30 s. */
  readonly initialReadinessDelayMs: number;
  /** A sample counts only when it began this long after the pod became ready: until then it shows the start, not the load. */
  readonly readySettleMs: number;
  /** Scale down to the highest recommendation of this time, where the spec does not say otherwise. */
  readonly downscaleStabilizationMs: number;
}

export const DEFAULT_SETTINGS: AutoscalerSettings = {
  intervalMs: 1_000,
  tolerance: 0.1,
  cpuInitializationMs: 10_000,
  initialReadinessDelayMs: 5_000,
  readySettleMs: 3_000,
  downscaleStabilizationMs: 300_000,
};
