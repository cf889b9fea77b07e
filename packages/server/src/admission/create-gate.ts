import { defined, type Logger } from '@weir/base';
import type { Entitlement, RateLimiter } from '@weir/extension';
import { AdmissionGate, SeamCaller, type TenantTable } from '@weir/usage';
import type { Config } from '../config/schema.js';

/** Dependencies of a gate besides the configuration. */
export interface GateParts {
  readonly tenants: TenantTable;
  readonly rateLimiter: RateLimiter | undefined;
  readonly entitlement: Entitlement | undefined;
  readonly isDraining: () => boolean;
  readonly logger: Logger;
  /** Called for each failure of a seam, for the metrics. */
  readonly onSeamFailure: (seam: string) => void;
}

/** Creates the gate for a configuration. */
export function createGate(config: Config, parts: GateParts): AdmissionGate {
  const { tenants, rateLimiter, entitlement, isDraining, logger, onSeamFailure } = parts;
  const {
    WEIR_RATE_LIMIT_INGEST: ingest,
    WEIR_RATE_LIMIT_QUERY: query,
    WEIR_RATE_LIMIT_MCP: mcp,
    WEIR_SEAM_FAILURE: seamFailure,
  } = config;
  return new AdmissionGate({
    tenants,
    seams: new SeamCaller(seamFailure, logger, onSeamFailure),
    rateLimiter: rateLimiter ?? null,
    entitlement: entitlement ?? null,
    rates: {
      ...defined({ ingest, query, mcp }),
    },
    isDraining,
  });
}
