/** Who may do what: roles, escalation, reviews, tokens, certificate requests. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startRig, until, type Answer, type Json, type Rig } from './rig.js';

let rig: Rig;
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const as = (user: string, ...groups: string[]): { headers: Record<string, string> } => ({
  headers: { 'Impersonate-User': user, ...(groups.length === 0 ? {} : { 'Impersonate-Group': groups.join(',') }) },
});
const grant = async (user: string, rules: object[]): Promise<void> => {
  await rig.call('POST', `${RBAC}/clusterroles`, { metadata: { name: `of-${user}` }, rules });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `of-${user}` };
  await rig.call('POST', `${RBAC}/clusterrolebindings`, { metadata: { name: user }, roleRef, subjects: [{ kind: 'User', name: user }] });
};

beforeAll(async () => {
  rig = await startRig();
  await rig.namespace('access');
});
afterAll(async () => rig[Symbol.asyncDispose]());

describe('privilege escalation', () => {
  const writesRoles = {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings', 'clusterroles'],
    verbs: ['create', 'update', 'patch'],
  };
  const readsPods = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] };
  const roles = `${RBAC}/namespaces/access/roles`;
  const bindings = `${RBAC}/namespaces/access/rolebindings`;
  beforeAll(async () => {
    await grant('ann', [writesRoles, readsPods]);
    await grant('escalator', [
      writesRoles,
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['escalate', 'bind'] },
    ]);
  });

  // "You can only create/update a role if ... You already have all the permissions contained in the role, at the same scope"
  test('a role holds at most what its writer holds', async () => {
    expect(
      (await rig.call('POST', roles, { metadata: { name: 'fine' }, rules: [{ ...readsPods, verbs: ['get'] }] }, as('ann'))).status,
    ).toBe(201);
    const refused = await rig.call(
      'POST',
      roles,
      { metadata: { name: 'more' }, rules: [{ ...readsPods, verbs: ['get', 'delete'] }] },
      as('ann'),
    );
    expect([refused.status, refused.body.message]).toEqual([
      403,
      'roles.rbac.authorization.k8s.io "more" is forbidden: user "ann" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}',
    ]);
    const patch = await rig.patch(`${roles}/fine`, 'merge', { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] }, as('ann'));
    expect(patch.status).toBe(403);
    const aggregate = { metadata: { name: 'all' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } };
    expect((await rig.call('POST', `${RBAC}/clusterroles`, aggregate, as('ann'))).status).toBe(403);
  });

  // "You are granted explicit permission to perform the escalate verb on the roles or clusterroles resource"
  test('the verb escalate allows any role', async () => {
    const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }];
    expect((await rig.call('POST', roles, { metadata: { name: 'secrets' }, rules }, as('escalator'))).status).toBe(201);
  });

  // "You can only create/update a role binding if you already have all the permissions contained in the referenced role ... or if you have been authorized to perform the bind verb on the referenced role"
  test('a binding hands out at most what its writer holds, or what he may bind', async () => {
    const binding = (name: string, role: string): object => ({
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
      subjects: [{ kind: 'User', name: 'bob' }],
    });
    expect((await rig.call('POST', bindings, binding('pods', 'fine'), as('ann'))).status).toBe(201);
    expect((await rig.call('POST', bindings, binding('secrets', 'secrets'), as('ann'))).status).toBe(403);
    expect((await rig.call('POST', bindings, binding('secrets', 'secrets'), as('escalator'))).status).toBe(201);
  });
});

describe('access reviews', () => {
  const review = (kind: string, spec: object, options = {}): Promise<Answer> =>
    rig.call('POST', `/apis/authorization.k8s.io/v1/${kind}`, { spec }, options);
  beforeAll(async () => {
    await grant('reader', [
      { apiGroups: [''], resources: ['pods'], resourceNames: ['only'], verbs: ['get'] },
      { nonResourceURLs: ['/logs/*'], verbs: ['get'] },
    ]);
  });

  test.each([
    [{ resourceAttributes: { verb: 'get', resource: 'pods', name: 'only', namespace: 'access' } }, true],
    [{ resourceAttributes: { verb: 'get', resource: 'pods', name: 'other', namespace: 'access' } }, false],
    [{ resourceAttributes: { verb: 'list', resource: 'pods' } }, false],
    [{ nonResourceAttributes: { verb: 'get', path: '/logs/a' } }, true],
    [{ nonResourceAttributes: { verb: 'post', path: '/logs/a' } }, false],
  ])('%j', async (asked, allowed) => {
    expect((await review('subjectaccessreviews', { user: 'reader', ...asked })).body.status.allowed).toBe(allowed);
    const local = as('reader');
    expect((await review('selfsubjectaccessreviews', asked, local)).body.status.allowed).toBe(allowed);
  });

  test('a review names a subject and one thing asked, or is refused', async () => {
    expect((await review('subjectaccessreviews', { resourceAttributes: { verb: 'get', resource: 'pods' } })).status).toBe(422);
    expect((await review('subjectaccessreviews', { user: 'x' })).status).toBe(422);
  });

  test('LocalSubjectAccessReview asks inside its namespace', async () => {
    const path = '/apis/authorization.k8s.io/v1/namespaces/access/localsubjectaccessreviews';
    const spec = { user: 'bob', resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'access' } };
    expect((await rig.call('POST', path, { spec })).body.status.allowed).toBe(true);
  });

  test('SelfSubjectRulesReview lists what one has', async () => {
    const { body } = await review('selfsubjectrulesreviews', { namespace: 'access' }, as('bob'));
    expect(body.status.resourceRules).toContainEqual({ verbs: ['get'], apiGroups: [''], resources: ['pods'] });
  });
});

describe('tokens of service accounts', () => {
  // "ServiceAccount lifecycle", "TokenRequest": a token is issued, is reviewed as its account, and ends with it.
  test('a token is its account, until the account is gone', async () => {
    const accounts = '/api/v1/namespaces/access/serviceaccounts';
    await rig.call('POST', accounts, { metadata: { name: 'robot' } });
    const issued = await rig.call('POST', `${accounts}/robot/token`, { spec: { audiences: ['vault'], expirationSeconds: 600 } });
    expect(issued.body).toMatchObject({ kind: 'TokenRequest', spec: { audiences: ['vault'] } });
    const reviews = '/apis/authentication.k8s.io/v1/tokenreviews';
    const token = issued.body.status.token as string;
    const known = await rig.call('POST', reviews, { spec: { token, audiences: ['vault'] } });
    expect(known.body.status).toMatchObject({
      authenticated: true,
      user: {
        username: 'system:serviceaccount:access:robot',
        groups: expect.arrayContaining(['system:serviceaccounts', 'system:serviceaccounts:access']),
      },
      audiences: ['vault'],
    });
    expect((await rig.call('POST', reviews, { spec: { token, audiences: ['other'] } })).body.status.authenticated).not.toBe(true);
    const own = (await rig.call('POST', `${accounts}/robot/token`, {})).body.status.token as string;
    expect((await rig.call('GET', '/api/v1/namespaces/access/pods', undefined, { token: own })).status).toBe(403);
    await rig.call('DELETE', `${accounts}/robot`);
    await until(
      'refusal',
      () => rig.call('GET', '/version', undefined, { token: own }).then(({ status }) => status),
      (status) => status === 401,
    );
  });

  // "Ensure that Service Account keys are mounted into the Container": a pod gets the projected volume unless it is told not to.
  test.each([
    [undefined, undefined, true],
    [false, undefined, false],
    [false, true, true],
    [true, false, false],
  ])('automount: account %s, pod %s', async (ofAccount, ofPod, mounts) => {
    const name = `mount-${ofAccount}-${ofPod}`;
    const path = '/api/v1/namespaces/access';
    await rig.call('POST', `${path}/serviceaccounts`, { metadata: { name }, automountServiceAccountToken: ofAccount });
    const spec = { serviceAccountName: name, automountServiceAccountToken: ofPod, containers: [{ name: 'c', image: 'i' }] };
    const { body } = await rig.call('POST', `${path}/pods`, { metadata: { name }, spec });
    const [volume] = (body.spec.volumes ?? []) as Json[];
    expect(volume !== undefined).toBe(mounts);
    if (mounts) expect(volume.projected.sources[0].serviceAccountToken).toEqual({ expirationSeconds: 3607, path: 'token' });
  });
});

describe('certificate signing requests', () => {
  const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const PEM = '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n';
  const spec = { request: Buffer.from(PEM).toString('base64'), signerName: 'example.com/e2e', usages: ['client auth'] };

  // "CertificateSigningRequest API: The certificates.k8s.io API group MUST exist ... create, get, list, watch, update, patch, delete, and deletecollection ... /approval and /status"
  test('say who made them, are approved by those who may, and get their certificate as status', async () => {
    await grant('maker', [{ apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests'], verbs: ['create'] }]);
    await grant('clerk', [
      {
        apiGroups: ['certificates.k8s.io'],
        resources: ['certificatesigningrequests/approval', 'certificatesigningrequests'],
        verbs: ['get', 'update', 'patch'],
      },
    ]);
    const made = await rig.call('POST', requests, { metadata: { name: 'one' }, spec }, as('maker', 'team'));
    expect(made.body.spec).toMatchObject({ username: 'maker', groups: ['team', 'system:authenticated'] });
    const condition = { type: 'Approved', status: 'True', reason: 'E2E', message: 'set by a test' };
    const wanted = {
      ...made.body,
      metadata: { ...made.body.metadata, annotations: { patched: 'yes' } },
      status: { conditions: [condition] },
    };
    const refused = await rig.call('PUT', `${requests}/one/approval`, wanted, as('clerk'));
    expect(refused.body.message).toContain('user not permitted to approve requests with signerName "example.com/e2e"');
    const approved = await rig.call('PUT', `${requests}/one/approval`, wanted);
    expect(approved.body.status.conditions[0]).toMatchObject(condition);
    expect(approved.body.metadata.annotations).toEqual({ patched: 'yes' });
    const changed = await rig.patch(`${requests}/one`, 'merge', { spec: { username: 'root' } });
    expect(changed.status === 422 || changed.body.spec.username === 'maker').toBe(true);
    const status = await rig.patch(`${requests}/one/status`, 'merge', {
      metadata: { annotations: { status: 'patched' } },
      status: { certificate: spec.request },
    });
    expect(status.body.metadata.annotations).toMatchObject({ status: 'patched' });
  });
});
