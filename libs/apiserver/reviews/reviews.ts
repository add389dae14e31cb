/** Kinds that are answered, not kept: access and token reviews, and `kubectl auth whoami`. */
import { apiVersionOf, type FieldError, type KindInfo, type KubeObject } from '../../api/index.js';
import type { Question } from '../authz/rules.js';
import type { Api } from '../pipeline.js';
import type { ApiResponse, UserInfo } from '../ports.js';
import { record, text, texts, type Fields } from '../registry/object.js';
import { bindPod } from '../subresources/binding.js';
import { invalid, methodNotAllowed, unknownPath } from '../status.js';
import { data, formOf } from '../serve/respond.js';
import { decodeBody, type ResourceRequest } from '../serve/write-request.js';

type Review = (api: Api, resource: ResourceRequest, review: KubeObject) => Fields | Promise<Fields>;

/** By kind: what the answer's `status` says. */
const reviews: Readonly<Record<string, Review>> = {
  SelfSubjectReview: (_api, { user }) => ({ userInfo: userDocument(user) }),
  SelfSubjectAccessReview: (api, { user }, review) => verdict(api, user, record(review['spec'])),
  SubjectAccessReview: (api, _resource, review) => verdict(api, subjectOf(review), record(review['spec'])),
  LocalSubjectAccessReview: (api, _resource, review) => verdict(api, subjectOf(review), record(review['spec'])),
  SelfSubjectRulesReview: (api, { user }, review) => rulesStatus(api, user, record(review['spec'])),
  TokenReview: (api, _resource, review) => tokenStatus(api, record(review['spec'])),
};

export async function serveReview(api: Api, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, info, kind } = resource;
  const form = formOf(request, api.context.clock.now());
  if (kind.kind === 'ComponentStatus') return data({ kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items: [] }, form);
  if (info.verb !== 'create') throw methodNotAllowed();
  const { object, warnings } = decodeBody(resource);
  if (kind.kind === 'Binding') return bindPod(api.context, resource, object);
  const review = reviews[kind.kind];
  if (review === undefined) throw unknownPath();
  if (kind.group === 'authorization.k8s.io') checkQuestion(kind, object);
  const status = await review(api, resource, object);
  return data(
    { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata: object.metadata, ...specOf(object), status },
    { ...form, warnings },
    201,
  );
}

/** A review asks one thing, of somebody. Throws Invalid. */
function checkQuestion(kind: KindInfo, review: KubeObject): void {
  if (kind.kind === 'SelfSubjectRulesReview') return;
  const spec = record(review['spec']);
  const errors: FieldError[] = [];
  if ((spec['resourceAttributes'] === undefined) === (spec['nonResourceAttributes'] === undefined)) {
    const message = 'Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified';
    errors.push({ path: 'spec.resourceAttributes', type: 'FieldValueInvalid', message });
  }
  if (kind.kind !== 'SelfSubjectAccessReview' && (text(spec['user']) ?? '') === '' && texts(spec['groups']).length === 0) {
    errors.push({
      path: 'spec.user',
      type: 'FieldValueInvalid',
      message: 'Invalid value: "": at least one of user or group must be specified',
    });
  }
  if (errors.length > 0) throw invalid(kind, '', errors);
}

function specOf(object: KubeObject): Fields {
  return object['spec'] === undefined ? {} : { spec: object['spec'] };
}

function subjectOf(review: KubeObject): UserInfo {
  const spec = record(review['spec']);
  return { name: text(spec['user']) ?? '', groups: texts(spec['groups']) };
}

function verdict(api: Api, user: UserInfo, spec: Fields): Fields {
  const allowed = api.authorizer.allows(user, questionOf(spec));
  return { allowed };
}

function questionOf(spec: Fields): Question {
  if (spec['resourceAttributes'] !== undefined) {
    const asked = record(spec['resourceAttributes']);
    return {
      kind: 'resource',
      verb: text(asked['verb']) ?? '',
      group: text(asked['group']) ?? '',
      resource: text(asked['resource']) ?? '',
      subresource: text(asked['subresource']) || undefined,
      name: text(asked['name']) || undefined,
      namespace: text(asked['namespace']) || undefined,
    };
  }
  const asked = record(spec['nonResourceAttributes']);
  return { kind: 'path', verb: text(asked['verb']) ?? '', path: text(asked['path']) ?? '' };
}

function rulesStatus(api: Api, user: UserInfo, spec: Fields): Fields {
  const rules = api.authorizer.rulesFor(user, text(spec['namespace']));
  const ofPaths = rules.filter((rule) => (rule.nonResourceURLs ?? []).length > 0);
  const ofResources = rules.filter((rule) => (rule.nonResourceURLs ?? []).length === 0);
  return {
    resourceRules: ofResources.map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, resourceNames })),
    nonResourceRules: ofPaths.map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  };
}

async function tokenStatus(api: Api, spec: Fields): Promise<Fields> {
  const token = text(spec['token']) ?? '';
  const audiences = texts(spec['audiences']);
  const known = api.staticTokens.find(token);
  if (known !== undefined) return { authenticated: true, user: userDocument(known) };
  const verified = await api.tokens.verify(token, audiences.length === 0 ? undefined : audiences);
  if (verified === undefined) return { user: {}, error: 'invalid bearer token' };
  return { authenticated: true, user: userDocument(verified.user), audiences: verified.audiences };
}

function userDocument(user: UserInfo): Fields {
  return {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(user.extra === undefined ? {} : { extra: user.extra }),
  };
}
