/** Debian and Ubuntu packages that Berth uses, with the reason for each. Plain JavaScript: it runs before anything is installed. */

export const runtimePackages = {
  'etcd-server': 'desired state',
  'redis-server': 'queue of operations',
  runc: 'OCI runtime',
  conmon: 'keeps containers, logs and exit codes across agent restarts',
  nftables: 'Service rules',
  socat: 'connections into pods, input of attached containers',
  iproute2: 'links, routes and network namespaces',
  conntrack: 'flushes stale UDP flows',
  buildah: 'berth build',
  mmdebstrap: 'base image of the demo, made from distribution packages',
  attr: 'overlayfs attributes of image layers',
  zstd: 'zstd-compressed image layers',
  'util-linux': 'unshare, nsenter',
  mount: 'overlays and volumes',
  bsdutils: 'script, the terminal of kubectl exec -t',
  procps: 'process facts',
  tar: 'image layers',
};

export const testPackages = {
  'docker-registry': 'a real registry for the pull tests',
  'containernetworking-plugins': 'CNI plugins, for hosts that are configured with them',
  skopeo: 'pushes test images into it',
  'apache2-utils': 'its basic authentication',
  'busybox-static': 'static binary of the test images',
  unzip: 'unpacks the stock kubectl and helm of the npm package',
  curl: 'talks to Services as a user would',
  'etcd-client': 'reads etcd beside Berth',
};
