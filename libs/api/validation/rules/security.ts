/** Rules of security contexts, of pods and of containers. */
import type { PodSecurityContext, SeccompProfile, SecurityContext, Sysctl } from '../../generated/types.js';
import { userId } from '../checks/values.js';
import { relativePath } from '../checks/values.js';
import type { Rule } from '../place.js';
import { Check, Each, EachValue, Nested, OneOf, Required, UniqueBy, Whole } from '../rule-class.js';

const profileFile: Rule<SeccompProfile> = (profile, at) => {
  const file = profile.localhostProfile;
  const path = at.field('localhostProfile');
  if (profile.type === 'Localhost') {
    if (file === undefined || file === '') path.required('must be set when seccomp type is Localhost');
    else relativePath(file, path);
  } else if (file !== undefined) path.invalid(file, 'can only be set when seccomp type is Localhost');
};

@Whole(profileFile)
class SeccompRules {
  @Required('type is required when seccompProfile is set')
  @OneOf('Localhost', 'RuntimeDefault', 'Unconfined')
  readonly type?: SeccompProfile['type'];
}

class SysctlRules {
  @Required()
  @Check<string>((name, at) => {
    if (name.length > 253 || !/^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/.test(name)) {
      at.invalid(
        name,
        'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
      );
    }
  })
  readonly name?: Sysctl['name'];
}

export class PodSecurityContextRules {
  @Check(userId) readonly runAsUser?: PodSecurityContext['runAsUser'];
  @Check(userId) readonly runAsGroup?: PodSecurityContext['runAsGroup'];
  @Check(userId) readonly fsGroup?: PodSecurityContext['fsGroup'];
  @EachValue(userId) readonly supplementalGroups?: PodSecurityContext['supplementalGroups'];
  @OneOf('Always', 'OnRootMismatch') readonly fsGroupChangePolicy?: PodSecurityContext['fsGroupChangePolicy'];
  @OneOf('Merge', 'Strict') readonly supplementalGroupsPolicy?: PodSecurityContext['supplementalGroupsPolicy'];
  @Nested(() => SeccompRules) readonly seccompProfile?: PodSecurityContext['seccompProfile'];
  @Each(() => SysctlRules)
  @UniqueBy<Sysctl>('name')
  readonly sysctls?: PodSecurityContext['sysctls'];
}

/** A container that already has every privilege cannot be kept from getting more. */
const escalation: Rule<SecurityContext> = (context, at) => {
  if (context.allowPrivilegeEscalation !== false) return;
  if (context.privileged === true) at.invalid(context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true');
  if ((context.capabilities?.add ?? []).includes('CAP_SYS_ADMIN')) {
    at.invalid(context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN');
  }
};

@Whole(escalation)
export class SecurityContextRules {
  @Check(userId) readonly runAsUser?: SecurityContext['runAsUser'];
  @Check(userId) readonly runAsGroup?: SecurityContext['runAsGroup'];
  @OneOf('Default', 'Unmasked') readonly procMount?: SecurityContext['procMount'];
  @Nested(() => SeccompRules) readonly seccompProfile?: SecurityContext['seccompProfile'];
}
