/** A pod of 1.5 KB as stored, which no scheduler takes. */

const STORED_BYTES = 1_500;
/** What defaults, admission and metadata add to the text sent. */
const ADDED_BYTES = 830;

export function benchPod(name: string): string {
  const pod = (filler: string): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: { app: 'bench' }, annotations: { filler } },
      spec: {
        schedulerName: 'none',
        automountServiceAccountToken: false,
        containers: [{ name: 'main', image: 'busybox:test', command: ['sleep', '1000000'] }],
      },
    });
  return pod('x'.repeat(Math.max(1, STORED_BYTES - ADDED_BYTES - pod('').length)));
}
