import type { Command } from 'commander';
import { usageError } from '../cli-error.js';
import type { Begin } from '../program.js';
import { number, size, wholeNumber } from './number-option.js';
import { reportTenant, type TenantState } from './tenant-report.js';

const PER_NODE =
  'Limits are per node: with n nodes behind a balancer a project may have n times as much. A RateLimiter of\nthe host applies in addition (docs/extending.md).';
const AT_SUBMIT =
  'Limits of channels hold for processes that are submitted from then on; 0 is what the installation has\n(WEIR_CHANNEL_RATE_LIMIT, WEIR_CHANNEL_MAX_…). Sizes are written as 65536, 64KiB or 1.5MiB.';

interface LimitOptions {
  readonly rps?: string;
  readonly burst?: string;
  readonly concurrency?: string;
  readonly channelRate?: string;
  readonly channelMessages?: string;
  readonly channelMessageBytes?: string;
  readonly channelBytes?: string;
  readonly channelsPerProcess?: string;
}

/** `weir tenant limits`: shows and changes the limits of a project. */
export function limitsCommand(tenant: Command, begin: Begin): void {
  const limits = tenant.command('limits').description('how much a project may do, on each node');
  limits
    .command('show')
    .description('the limits of a project')
    .argument('<project>', 'id of the project')
    .action(async (id: string, _options: unknown, self: Command) => {
      await reportTenant(begin(self), id, null, (one) => `${limitsText(one)}\n${PER_NODE}`);
    });
  limits
    .command('set')
    .description('change limits of a project; limits that are not given stay, and 0 removes a limit')
    .argument('<project>', 'id of the project')
    .option('--rps <number>', 'requests a second, such as 100 or 0.5')
    .option('--burst <number>', 'requests at once after a pause; 0 is twice the rate')
    .option('--concurrency <number>', 'requests at the same time')
    .option('--channel-rate <rate>', 'messages of each sender of a process, a second and at once: 1000:5000')
    .option('--channel-messages <number>', 'messages a channel keeps')
    .option('--channel-message-bytes <size>', 'bytes of one message, such as 64KiB')
    .option('--channel-bytes <size>', 'bytes a channel keeps, such as 64MiB')
    .option('--channels-per-process <number>', 'channels of one process, up to 1,000')
    .addHelpText('after', `\n${PER_NODE}\n${AT_SUBMIT}`)
    .action(async (id: string, options: LimitOptions, self: Command) => {
      const changes = changesOf(options);
      if (Object.keys(changes).length === 0) {
        throw usageError(
          'nothing to set',
          'Name a limit such as --rps or --channel-rate; "weir tenant limits show" shows what there is',
        );
      }
      await reportTenant(begin(self), id, changes, limitsText);
    });
}

/** Formats the limits of a tenant. */
export function limitsText(one: TenantState): string {
  const { rate_limit_rps: rps, rate_burst: burst, concurrency_limit: concurrency } = one;
  const { channel_rate_limit_rps: messageRps, channel_rate_burst: messageBurst } = one;
  const usual = (limit: number) => (limit === 0 ? "the installation's" : String(limit));
  return [
    `Requests a second          ${rps === 0 ? 'no limit' : rateText(rps, burst)}`,
    `Requests at the same time  ${concurrency === 0 ? 'no limit' : concurrency}`,
    `Messages a second          ${messageRps === 0 ? usual(0) : rateText(messageRps, messageBurst)}`,
    `Bytes of a message         ${usual(one.channel_message_bytes)}`,
    `Messages in a channel      ${usual(one.channel_messages)}`,
    `Bytes in a channel         ${usual(one.channel_bytes)}`,
    `Channels of a process      ${usual(one.channels_per_process)}`,
  ].join('\n');
}

function changesOf(options: LimitOptions): Readonly<Record<string, number>> {
  const { rps, burst, concurrency, channelRate, channelMessages, channelMessageBytes } = options;
  const { channelBytes, channelsPerProcess } = options;
  return {
    ...(rps !== undefined && { rate_limit_rps: number('--rps', rps) }),
    ...(burst !== undefined && { rate_burst: wholeNumber('--burst', burst) }),
    ...(concurrency !== undefined && { concurrency_limit: wholeNumber('--concurrency', concurrency) }),
    ...(channelRate !== undefined && channelRateOf(channelRate)),
    ...(channelMessages !== undefined && {
      channel_messages: wholeNumber('--channel-messages', channelMessages),
    }),
    ...(channelMessageBytes !== undefined && {
      channel_message_bytes: size('--channel-message-bytes', channelMessageBytes),
    }),
    ...(channelBytes !== undefined && { channel_bytes: size('--channel-bytes', channelBytes) }),
    ...(channelsPerProcess !== undefined && {
      channels_per_process: wholeNumber('--channels-per-process', channelsPerProcess),
    }),
  };
}

/** Rate and burst are set together: a rate without a burst resets the burst to twice the rate. */
function channelRateOf(text: string): Readonly<Record<string, number>> {
  const [, rps, burst = '0'] = /^(\d+(?:\.\d+)?)(?::(\d+))?$/.exec(text) ?? [];
  if (rps === undefined) {
    throw usageError(`--channel-rate ${text}: must be messages a second, and at once, such as 1000:5000`);
  }
  return { channel_rate_limit_rps: Number(rps), channel_rate_burst: Number(burst) };
}

function rateText(rps: number, burst: number): string {
  return `${rps}, ${burst === 0 ? Math.ceil(2 * rps) : burst} at once`;
}
