/** API outcomes as gRPC status codes; total, so that a new reason without a code does not compile. */
import { status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { StatusError } from '../../api/light.js';
import type { Reason } from '../../api/index.js';

export const grpcCodeOf = {
  BadRequest: status.INVALID_ARGUMENT,
  Unauthorized: status.UNAUTHENTICATED,
  Forbidden: status.PERMISSION_DENIED,
  NotFound: status.NOT_FOUND,
  AlreadyExists: status.ALREADY_EXISTS,
  Conflict: status.ABORTED,
  Gone: status.NOT_FOUND,
  Expired: status.OUT_OF_RANGE,
  Invalid: status.INVALID_ARGUMENT,
  MethodNotAllowed: status.UNIMPLEMENTED,
  NotAcceptable: status.INVALID_ARGUMENT,
  RequestEntityTooLarge: status.RESOURCE_EXHAUSTED,
  UnsupportedMediaType: status.INVALID_ARGUMENT,
  TooManyRequests: status.RESOURCE_EXHAUSTED,
  InternalError: status.INTERNAL,
  ServiceUnavailable: status.UNAVAILABLE,
  Timeout: status.DEADLINE_EXCEEDED,
  ServerTimeout: status.DEADLINE_EXCEEDED,
} as const satisfies Record<Reason, status>;

export function asServiceError(error: unknown): ServiceError {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof StatusError ? grpcCodeOf[error.reason] : status.INTERNAL;
  return Object.assign(new Error(message), { code, details: message, metadata: new Metadata() });
}
