/** Limits of processes and their channels: the settings of the installation, and the host's limits of a project. */
import type { ProcessLimits } from '@weir/channel';
import { Rate, type TenantState } from '@weir/usage';
import type { Config } from '../config/schema.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** The limits of a project without limits of its own. */
export function installationLimits(config: Config): ProcessLimits {
  const { WEIR_CHANNEL_RATE_LIMIT: rate } = config;
  return {
    channelsPerProcess: config.WEIR_CHANNEL_MAX_PER_PROCESS,
    payloadBytes: config.WEIR_CHANNEL_MAX_MESSAGE_BYTES,
    entries: config.WEIR_CHANNEL_MAX_MESSAGES,
    bytes: config.WEIR_CHANNEL_MAX_BYTES_EACH,
    rateLimit: rate === 'off' ? false : rate,
  };
}

/**
 * The limits of a project. The message size never exceeds that of the installation, which sizes request bodies and
 * frames.
 */
export function projectLimits(installation: ProcessLimits, state: TenantState | undefined): ProcessLimits {
  if (state === undefined) return installation;
  const { channelRateLimitRps: rps, channelRateBurst: burst, channelMessageBytes } = state;
  return {
    channelsPerProcess: state.channelsPerProcess || installation.channelsPerProcess,
    payloadBytes: Math.min(channelMessageBytes || installation.payloadBytes, installation.payloadBytes),
    entries: state.channelMessages || installation.entries,
    bytes: state.channelBytes || installation.bytes,
    rateLimit: rps === 0 ? installation.rateLimit : new Rate(rps, burst),
  };
}

/** Maximum body of an append over HTTP, bytes: a message in base64 with its JSON, or a batch of 14 MiB. */
export function appendBodyBytes({ payloadBytes }: ProcessLimits): number {
  return Math.max(14 * MIB, 4 * Math.ceil(payloadBytes / 3) + 512 * KIB);
}

/** Maximum frame of an append over a WebSocket, bytes: a message with its header, or a batch of 16 MiB. */
export function appendFrameBytes({ payloadBytes }: ProcessLimits): number {
  return Math.max(16 * MIB, payloadBytes + MIB);
}
