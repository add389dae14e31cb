/** Where images come from: a registry with a password, `berth build`, and what users see when neither has one. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBusybox } from '../support/images.js';
import { aPod, applyObjects, eventsOf, inPod, podNamed, statusOf, untilPod, untilReady } from '../support/pods.js';
import { eventually } from '../support/processes.js';
import { startSecureRegistry, type SecureRegistry } from '../support/secure-registry.js';
import { TestCluster } from '../support/test-cluster.js';

let cluster: TestCluster;
let registry: SecureRegistry;
let digest: string;

beforeAll(async () => {
  cluster = await TestCluster.start({ name: 'beimage', nodes: 2, slot: 3 });
  await buildBusybox(cluster);
  registry = await startSecureRegistry('10.93.0.1', 15_443);
  await build('parcel:test', ['FROM busybox:test', 'RUN echo from the registry > /origin']);
  digest = await registry.push(`oci:${cluster.dataDir}/cluster-images:docker.io/library/parcel:test`, 'team/parcel:1');
  await login('right', registry.password);
  await login('wrong', 'guess');
}, 180_000);

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
}, 60_000);

async function login(name: string, password: string): Promise<void> {
  const { host, username } = registry;
  await cluster.kubectl([
    'create',
    'secret',
    'docker-registry',
    name,
    `--docker-server=${host}`,
    `--docker-username=${username}`,
    `--docker-password=${password}`,
  ]);
}

async function build(reference: string, dockerfile: readonly string[], ...args: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-build-test-'));
  try {
    writeFileSync(join(folder, 'Dockerfile'), `${dockerfile.join('\n')}\n`);
    await cluster.berth(['build', '-t', reference, ...args, folder], { timeoutMs: 60_000 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('a registry that wants a password', () => {
  test('pulls with the secret, tells of it, and names the digest', async () => {
    const image = `${registry.host}/team/parcel:1`;
    await applyObjects(cluster, aPod('pulled', { image }, { imagePullSecrets: [{ name: 'right' }], nodeName: 'node-1' }));
    await untilReady(cluster, 'pulled');
    expect(await inPod(cluster, 'pulled', 'cat /origin')).toBe('from the registry');
    expect(statusOf(await podNamed(cluster, 'pulled'))).toMatchObject({ image, imageID: `${registry.host}/team/parcel@${digest}` });
    const events = await eventsOf(cluster, 'pulled');
    expect(events).toContain(`Pulling: Pulling image "${image}"`);
    expect(events).toContainEqual(
      expect.stringMatching(/^Pulled: Successfully pulled image "[^"]+" in \S+ \(\S+ including waiting\)\. Image size: \d+ bytes\.$/),
    );
  });

  test('pulls by digest, with the secret of the service account', async () => {
    await cluster.kubectl(['create', 'serviceaccount', 'puller']);
    await cluster.kubectl(['patch', 'serviceaccount', 'puller', '-p', '{"imagePullSecrets":[{"name":"right"}]}']);
    await applyObjects(cluster, aPod('exact', { image: `${registry.host}/team/parcel@${digest}` }, { serviceAccountName: 'puller' }));
    await untilReady(cluster, 'exact');
    expect((await podNamed(cluster, 'exact')).spec?.imagePullSecrets).toEqual([{ name: 'right' }]);
  });

  test('a wrong password: ErrImagePull, then ImagePullBackOff, and the events say why; mended, it goes on', async () => {
    const image = `${registry.host}/team/parcel:1`;
    await applyObjects(cluster, aPod('refused', { image, imagePullPolicy: 'Always' }, { imagePullSecrets: [{ name: 'wrong' }] }));
    await untilPod(cluster, 'refused', {
      what: 'says ErrImagePull',
      is: (pod) => statusOf(pod)?.state?.waiting?.reason === 'ErrImagePull',
    });
    const pod = await untilPod(cluster, 'refused', {
      what: 'backs off',
      is: (now) => statusOf(now)?.state?.waiting?.reason === 'ImagePullBackOff',
    });
    expect(statusOf(pod)?.state?.waiting?.message).toContain(`Back-off pulling image "${image}"`);
    const events = await eventsOf(cluster, 'refused');
    expect(events).toContainEqual(
      expect.stringMatching(/^Failed: Failed to pull image "[^"]+": .*the credentials of user "berth" were refused/),
    );
    expect(events).toContain('Failed: Error: ErrImagePull');
    expect(events).toContain('Failed: Error: ImagePullBackOff');
    expect(await cluster.kubectl(['get', 'pod', 'refused', '--no-headers'])).toContain('ImagePullBackOff');
    await cluster.kubectl(['delete', 'secret', 'wrong']);
    await login('wrong', registry.password);
    await untilPod(cluster, 'refused', { what: 'runs', is: (now) => statusOf(now)?.ready === true, timeoutMs: 30_000 });
  });

  test('without any secret, and an image that is not there', async () => {
    await applyObjects(
      cluster,
      aPod('anonymous', { image: `${registry.host}/team/parcel:2`, imagePullPolicy: 'Always' }),
      aPod('absent', { image: `${registry.host}/team/nothing:1` }, { imagePullSecrets: [{ name: 'right' }] }),
    );
    const reason = async (name: string): Promise<string> =>
      (await eventsOf(cluster, name)).find((event) => event.startsWith('Failed: Failed to pull')) ?? '';
    await eventually('both failed', 15_000, async () => (await reason('anonymous')) !== '' && (await reason('absent')) !== '');
    expect(await reason('anonymous')).toContain('no credentials were given');
    expect(await reason('absent')).toContain('not found');
  });
});

describe('pull policies', () => {
  test('Never needs the image on the host', async () => {
    await applyObjects(cluster, aPod('never', { image: 'nowhere:1', imagePullPolicy: 'Never' }));
    const pod = await untilPod(cluster, 'never', {
      what: 'is refused',
      is: (now) => statusOf(now)?.state?.waiting?.reason === 'ErrImageNeverPull',
    });
    expect(statusOf(pod)?.state?.waiting?.message).toBe('Container image "nowhere:1" is not present with pull policy of Never');
    await applyObjects(cluster, aPod('earlier', {}, { nodeName: 'node-1' }));
    await untilReady(cluster, 'earlier');
    await applyObjects(cluster, aPod('present', { imagePullPolicy: 'Never' }, { nodeName: 'node-1' }));
    await untilReady(cluster, 'present');
    expect(await eventsOf(cluster, 'present')).toContainEqual(
      expect.stringMatching(/^Pulled: Container image "busybox:test" already present on machine/),
    );
  });

  test('a name that is none', async () => {
    await applyObjects(cluster, aPod('misnamed', { image: 'UPPER CASE' }));
    await untilPod(cluster, 'misnamed', { what: 'is refused', is: (pod) => statusOf(pod)?.state?.waiting?.reason === 'InvalidImageName' });
  });
});

describe('berth build', () => {
  test('of several stages, with arguments, a target, and what the image says to run', async () => {
    const dockerfile = [
      'FROM busybox:test AS made',
      'ARG WORD=default',
      'RUN echo $WORD > /result',
      'FROM made AS tested',
      'RUN echo tested >> /result',
      'FROM busybox:test',
      'COPY --from=made /result /srv/result',
      'WORKDIR /srv',
      'ENV KIND=final',
      'USER 1234:4321',
      'ENTRYPOINT ["sh", "-c"]',
      'CMD ["cat result; echo $KIND $(id -u):$(id -g) $PWD; sleep 1000"]',
    ];
    await build('staged:final', dockerfile, '--build-arg', 'WORD=given');
    await build('staged:tested', dockerfile, '--target', 'tested');
    const own = { imagePullPolicy: 'IfNotPresent' } as const;
    await applyObjects(
      cluster,
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'final' },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'staged:final', ...own }] },
      },
      aPod('tested', { image: 'staged:tested' }),
    );
    await untilReady(cluster, 'final', 'tested');
    expect(await cluster.kubectl(['logs', 'final'])).toBe('given\nfinal 1234:4321 /srv\n');
    expect(await inPod(cluster, 'tested', 'cat /result')).toBe('default\ntested');
  });

  test('a step that fails: its output, and exit code 1', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-build-test-'));
    writeFileSync(join(folder, 'Dockerfile'), 'FROM busybox:test\nRUN echo what went wrong && exit 9\n');
    const { code, stderr } = await cluster.berthAny(['build', '-t', 'broken:1', folder], { timeoutMs: 60_000 });
    rmSync(folder, { recursive: true, force: true });
    expect(code).toBe(1);
    expect(stderr).toContain('what went wrong');
    expect(stderr).toMatch(/exit status 9|exited with 9|code 9/);
  });
});
