export { NESTING_MAX, decodeObject, decodeValue } from './decode.js';
export type { DecodeOptions, DecodeTarget, Decoded, FieldValidation } from './decode.js';
export { findType, listTypeName, plainTypeName, typeNames, typeOf } from './shapes.js';
export type { Field, ObjectType, Ownership, ScalarKind, Shape } from './shapes.js';
