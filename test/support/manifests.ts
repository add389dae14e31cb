/** Small manifests for the end-to-end tests. */

export interface DeploymentOptions {
  readonly name: string;
  readonly replicas?: number;
  readonly command?: readonly string[];
  readonly port?: number;
  readonly extra?: string;
}

/** A web server in busybox that answers with its pod's name. */
export function webDeployment({ name, replicas = 1, port = 8080 }: DeploymentOptions): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: busybox:test
          imagePullPolicy: IfNotPresent
          command: [sh, -c, 'mkdir -p /tmp/www && hostname > /tmp/www/index.html && exec httpd -f -p ${port} -h /tmp/www']
          ports: [{ name: http, containerPort: ${port} }]
          readinessProbe: { httpGet: { path: /, port: http }, periodSeconds: 1 }
`;
}

export function service(name: string, options: { readonly nodePort?: number; readonly headless?: boolean } = {}): string {
  const lines = [
    'apiVersion: v1',
    'kind: Service',
    `metadata: { name: ${name}${options.headless === true ? '-headless' : ''} }`,
    'spec:',
    ...(options.headless === true ? ['  clusterIP: None'] : []),
    ...(options.nodePort === undefined ? [] : ['  type: NodePort']),
    `  selector: { app: ${name} }`,
    `  ports: [{ name: http, port: 80, targetPort: http${options.nodePort === undefined ? '' : `, nodePort: ${options.nodePort}`} }]`,
  ];
  return `${lines.join('\n')}\n`;
}

/** A pod that sleeps, for exec and curl from inside. */
export function toolPod(name: string, extra = ''): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: tool
      image: busybox:test
      imagePullPolicy: IfNotPresent
      command: [sleep, '100000']
${extra}
`;
}
