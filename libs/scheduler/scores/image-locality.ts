/** Nodes that have the pod's images start it sooner; an image that every node has attracts nobody in particular. */
import type { ScorePlugin } from '../plugin.js';

const MB = 1024 * 1024;
const BYTES_MIN = 23 * MB;
const BYTES_MAX_PER_CONTAINER = 1_000 * MB;

export const imageLocality: ScorePlugin = {
  name: 'ImageLocality',
  weight: 1,
  prepare(pod, snapshot) {
    const images = pod.images.map(normalized).filter((image) => snapshot.imageNodes.has(image));
    if (images.length === 0) return undefined;
    const limit = BYTES_MAX_PER_CONTAINER * pod.images.length;
    const shares = images.map((image) => ({ image, share: (snapshot.imageNodes.get(image) ?? 0) / snapshot.nodes.length }));
    return {
      score(node) {
        let bytes = 0;
        for (const { image, share } of shares) bytes += (node.images.get(image) ?? 0) * share;
        return (100 * (Math.min(Math.max(bytes, BYTES_MIN), limit) - BYTES_MIN)) / (limit - BYTES_MIN);
      },
    };
  },
};

/** Nodes report names with a tag. */
function normalized(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
