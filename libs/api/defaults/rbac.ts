/** Defaults of `rbac.authorization.k8s.io/v1`. */
import type { ClusterRoleBinding, RbacV1Subject, RoleBinding, RoleRef } from '../generated/types.js';
import { each, filler } from './filler.js';

const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** Service accounts are of the core group, whose name is empty and stays unwritten. */
const fillSubject = filler<RbacV1Subject>({
  apiGroup: (subject) => (subject.kind === 'User' || subject.kind === 'Group' ? RBAC_GROUP : undefined),
});

const fields = { roleRef: filler<RoleRef>({ apiGroup: RBAC_GROUP }), subjects: each(fillSubject) };

export const fillRoleBinding = filler<RoleBinding>({}, fields);
export const fillClusterRoleBinding = filler<ClusterRoleBinding>({}, fields);
