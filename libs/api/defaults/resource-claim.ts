/** Defaults of `resource.k8s.io`: device claims. */
import type {
  DeviceClaim,
  DeviceRequest,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaimSpec,
  ResourceClaimTemplate,
  ResourceClaimTemplateSpec,
  ResourceV1ResourceClaim,
} from '../generated/types.js';
import { each, filler } from './filler.js';

const requestFields = { tolerations: each(filler<DeviceToleration>({ operator: 'Equal' })) };

const fillSpec = filler<ResourceClaimSpec>(
  {},
  {
    devices: filler<DeviceClaim>(
      {},
      {
        requests: each(
          filler<DeviceRequest>(
            {},
            {
              exactly: filler<ExactDeviceRequest>(
                { allocationMode: 'ExactCount', count: (request) => (request.allocationMode === 'ExactCount' ? 1 : undefined) },
                requestFields,
              ),
              firstAvailable: each(
                filler<DeviceSubRequest>(
                  { allocationMode: 'ExactCount', count: (request) => (request.allocationMode === 'ExactCount' ? 1 : undefined) },
                  requestFields,
                ),
              ),
            },
          ),
        ),
      },
    ),
  },
);

export const fillResourceClaim = filler<ResourceV1ResourceClaim>({}, { spec: fillSpec });
export const fillResourceClaimTemplate = filler<ResourceClaimTemplate>(
  {},
  { spec: filler<ResourceClaimTemplateSpec>({}, { spec: fillSpec }) },
);
