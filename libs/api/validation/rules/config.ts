/** Rules of ConfigMaps and Secrets: what may be a key, how much fits, what a type of secret must hold. */
import type { ConfigMap, Secret } from '../../generated/types.js';
import { isConfigKey } from '../checks/names.js';
import { immutable, isSame, utf8Length } from '../checks/values.js';
import type { Place, Rule } from '../place.js';
import { Required, Whole } from '../rule-class.js';

/** One mebibyte, in all values together. */
const BYTES_MAX = 1_048_576;

type Texts = Readonly<Record<string, string>>;

/** Size of the bytes behind a base64 text. */
function decodedLength(text: string): number {
  return Math.floor((text.replace(/[=\s]/g, '').length * 3) / 4);
}

const configMap: Rule<ConfigMap> = (map, at) => {
  const [data, binary]: [Texts, Texts] = [map.data ?? {}, map.binaryData ?? {}];
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    const place = at.field('data').key(key);
    place.invalidEach(key, isConfigKey(key));
    if (binary[key] !== undefined) place.invalid(key, 'duplicate of key present in binaryData');
    size += utf8Length(value);
  }
  for (const [key, value] of Object.entries(binary)) {
    at.field('binaryData').key(key).invalidEach(key, isConfigKey(key));
    size += decodedLength(value);
  }
  if (size > BYTES_MAX) at.field('').tooLong(BYTES_MAX);
};

@Whole(configMap)
export class ConfigMapRules {
  readonly data?: ConfigMap['data'];
}

const LOCKED = 'field is immutable when `immutable` is set';

/** A map that was made immutable stays so, and so does all that it holds. */
export function configMapUpdate(map: ConfigMap, old: ConfigMap, at: Place): void {
  if (old.immutable !== true) return;
  if (map.immutable !== true) at.field('immutable').forbidden(LOCKED);
  if (!isSame(map.data, old.data)) at.field('data').forbidden(LOCKED);
  if (!isSame(map.binaryData, old.binaryData)) at.field('binaryData').forbidden(LOCKED);
}

/** The keys without which a secret of the type is of no use; for basic-auth one of the two is enough. */
const neededKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

const SERVICE_ACCOUNT_NAME = 'kubernetes.io/service-account.name';

const secret: Rule<Secret> = (object, at) => {
  const data: Texts = object.data ?? {};
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    at.field('data').key(key).invalidEach(key, isConfigKey(key));
    size += decodedLength(value);
  }
  if (size > BYTES_MAX) at.field('data').tooLong(BYTES_MAX);
  for (const key of neededKeys[object.type ?? ''] ?? []) if (data[key] === undefined) at.field('data').key(key).required();
  if (object.type === 'kubernetes.io/basic-auth' && data['username'] === undefined && data['password'] === undefined) {
    at.field('data').key('username').required();
    at.field('data').key('password').required();
  }
  if (object.type === 'kubernetes.io/service-account-token' && (object.metadata?.annotations?.[SERVICE_ACCOUNT_NAME] ?? '') === '') {
    at.down('metadata', 'annotations').key(SERVICE_ACCOUNT_NAME).required();
  }
};

@Whole(secret)
export class SecretRules {
  @Required() readonly type?: Secret['type'];
}

export function secretUpdate(object: Secret, old: Secret, at: Place): void {
  immutable(object.type, old.type, at.field('type'));
  if (old.immutable !== true) return;
  if (object.immutable !== true) at.field('immutable').forbidden(LOCKED);
  if (!isSame(object.data, old.data)) at.field('data').forbidden(LOCKED);
}
