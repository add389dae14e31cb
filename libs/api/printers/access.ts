/** Tables of who may do what, and of what extends the API. */
import type {
  APIService,
  CertificateSigningRequest,
  ClusterRoleBinding,
  MutatingWebhookConfiguration,
  RbacV1Subject,
  RoleBinding,
  ValidatingWebhookConfiguration,
} from '../generated/types.js';
import { humanDuration } from './human-duration.js';
import { age, ageColumn, createdColumn, integer, nameColumn, nameOf, printer, text, wide, type Printer } from './printer.js';

/** Kinds that show when they were made, not how long ago. */
export const createdPrinter: Printer = printer<{ readonly metadata?: { readonly name?: string; readonly creationTimestamp?: string } }>({
  columns: [nameColumn, createdColumn],
  cells: (object) => [object.metadata?.name ?? '', object.metadata?.creationTimestamp ?? null],
});

function subjects(list: readonly RbacV1Subject[] | undefined, kind: string): string {
  const names = (list ?? []).filter((subject) => subject.kind === kind);
  return names.map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name)).join(', ');
}

export const bindingPrinter = printer<RoleBinding | ClusterRoleBinding>({
  columns: [
    nameColumn,
    text('Role', 'What is granted.'),
    ageColumn,
    wide(text('Users', 'Users that it is granted to.')),
    wide(text('Groups', 'Groups that it is granted to.')),
    wide(text('ServiceAccounts', 'Service accounts that it is granted to.')),
  ],
  cells: (binding, now) => [
    nameOf(binding),
    `${binding.roleRef?.kind ?? ''}/${binding.roleRef?.name ?? ''}`,
    age(binding, now),
    subjects(binding.subjects, 'User'),
    subjects(binding.subjects, 'Group'),
    subjects(binding.subjects, 'ServiceAccount'),
  ],
});

export const webhooksPrinter = printer<MutatingWebhookConfiguration | ValidatingWebhookConfiguration>({
  columns: [nameColumn, integer('Webhooks', 'Webhooks indicates the number of webhooks registered in this configuration'), ageColumn],
  cells: (object, now) => [nameOf(object), (object.webhooks ?? []).length, age(object, now)],
});

export const apiServicePrinter = printer<APIService>({
  columns: [
    nameColumn,
    text('Service', 'The reference to the service that hosts this API endpoint.'),
    text('Available', 'Whether this service is available.'),
    ageColumn,
  ],
  cells: (object, now) => {
    const service = object.spec?.service;
    const available = (object.status?.conditions ?? []).find(({ type }) => type === 'Available');
    const reason = (available?.reason ?? '') === '' || available?.status === 'True' ? '' : ` (${available?.reason})`;
    return [
      nameOf(object),
      service === undefined ? 'Local' : `${service.namespace}/${service.name}`,
      `${available?.status ?? 'Unknown'}${reason}`,
      age(object, now),
    ];
  },
});

function requestState(request: CertificateSigningRequest): string {
  const types = new Set((request.status?.conditions ?? []).map(({ type }) => type));
  const words = ['Approved', 'Denied', 'Failed'].filter((type) => types.has(type));
  const state = words.length === 0 ? 'Pending' : words.join(',');
  return (request.status?.certificate ?? '') === '' ? state : `${state},Issued`;
}

export const certificateRequestPrinter = printer<CertificateSigningRequest>({
  columns: [
    nameColumn,
    ageColumn,
    text('SignerName', 'Who is asked to sign.'),
    text('Requestor', 'Who asks.'),
    text('RequestedDuration', 'For how long.'),
    text('Condition', 'What has become of the request.'),
  ],
  cells: (request, now) => {
    const seconds = request.spec?.expirationSeconds;
    return [
      nameOf(request),
      age(request, now),
      request.spec?.signerName ?? '',
      request.spec?.username ?? '',
      seconds === undefined ? '<none>' : humanDuration(seconds * 1000),
      requestState(request),
    ];
  },
});
