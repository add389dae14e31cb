/** The `Status` answers of the API, worded as Kubernetes words them (scripts and client-go match on these texts). */
import { qualifiedResource as qualified, StatusError, type KindInfo } from '../api/index.js';

type Named = Pick<KindInfo, 'group' | 'resource'>;

function details(kind: Named, name: string): { name: string; group?: string; kind: string } {
  return { name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.resource };
}

export function notFound(kind: Named, name: string): StatusError {
  return new StatusError('NotFound', `${qualified(kind)} "${name}" not found`, details(kind, name));
}

/** A path that no resource answers. */
export function unknownPath(): StatusError {
  return new StatusError('NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(kind: Named, name: string): StatusError {
  return new StatusError('AlreadyExists', `${qualified(kind)} "${name}" already exists`, details(kind, name));
}

/** `why` ends the sentence `Operation cannot be fulfilled on pods "x": `. */
export function conflict(kind: Named, name: string, why: string): StatusError {
  return new StatusError('Conflict', `Operation cannot be fulfilled on ${qualified(kind)} "${name}": ${why}`, details(kind, name));
}

export function modifiedConflict(kind: Named, name: string): StatusError {
  return conflict(kind, name, 'the object has been modified; please apply your changes to the latest version and try again');
}

export function forbidden(kind: Named, name: string, why: string): StatusError {
  const subject = name === '' ? qualified(kind) : `${qualified(kind)} "${name}"`;
  return new StatusError('Forbidden', `${subject} is forbidden: ${why}`, { ...details(kind, name) });
}

export function badRequest(message: string): StatusError {
  return new StatusError('BadRequest', message);
}

export function serviceUnavailable(message: string): StatusError {
  return new StatusError('ServiceUnavailable', message);
}

export function methodNotAllowed(): StatusError {
  return new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

/** 410: the client lists anew and goes on from there, or continues a list with the token, where there is one. */
export function expired(message = 'The resourceVersion for the provided watch is too old.', continueToken?: string): StatusError {
  return new StatusError('Expired', message, undefined, continueToken);
}

/** 422 with one cause a broken rule. */
export { invalidStatus as invalid } from '../api/index.js';

/** `metav1.Status` of a success, as delete and eviction answer. */
export function success(kind: Named, name: string, uid: string | undefined): Readonly<Record<string, unknown>> {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { ...details(kind, name), ...(uid === undefined ? {} : { uid }) },
  };
}
