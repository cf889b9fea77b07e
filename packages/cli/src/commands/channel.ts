import { buffer } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { ChannelApi, type ChannelOptions } from '../channel/channel-api.js';
import { failureOf } from '../channel/failure.js';
import { followMessages, readMessages, type ShowOptions } from '../channel/follow.js';
import { pipe } from '../channel/pipe.js';
import { usageError } from '../cli-error.js';
import type { Invocation } from '../invocation.js';
import { parseWhole } from '../process/submission.js';
import type { Begin } from '../program.js';

interface SendOptions extends ChannelOptions {
  readonly end?: boolean;
  readonly error?: string;
  readonly inReplyTo?: string;
  readonly contentType?: string;
}

interface ReadOptions extends ChannelOptions, ShowOptions {
  readonly after: string;
  readonly limit?: string;
}

interface PipeOptions extends ChannelOptions {
  readonly after: string;
  readonly lines?: boolean;
  readonly keepOpen?: boolean;
}

/** `weir channel`: what a process and its submitter say to each other. */
export function channelCommand(program: Command, begin: Begin): void {
  const channel = program
    .command('channel')
    .description('read and write channels of processes (API key with the scope channel)')
    .addHelpText(
      'after',
      `
One speaks as the submitter, or with --assignment (or WEIR_ASSIGNMENT) as the executor.

Examples:
  $ weir channel send PROCESS questions "which colour?"
  $ weir channel read PROCESS tokens --after 120 --json
  $ weir channel follow PROCESS tokens --raw          the text as it is written
  $ weir channel pipe PROCESS chat                    both ways: what you type, and what comes`,
    );
  const about = (name: string, description: string): Command =>
    channel
      .command(name)
      .description(description)
      .argument('<process>', 'id of the process')
      .argument('<channel>', 'name of the channel')
      .option(
        '--assignment <token>',
        'speak as the executor: what "weir process assign" showed (default: WEIR_ASSIGNMENT)',
      );
  const shown = (command: Command): Command =>
    command
      .option('--after <index>', 'behind this message', '0')
      .option('--raw', 'contents as they are, nothing around them')
      .addOption(new Option('--from <side>', 'of one side only').choices(['submitter', 'executor']));

  about('send', 'send one message')
    .argument('[text]', 'its content (default: standard input)')
    .option('--end', 'say that nothing more comes from this side')
    .option('--error <text>', 'say what went wrong')
    .option('--in-reply-to <index>', 'the message it answers')
    .option('--content-type <type>', 'of the content (default: text/plain; charset=utf-8)')
    .action(
      async (
        process: string,
        name: string,
        text: string | undefined,
        options: SendOptions,
        self: Command,
      ) => {
        await send(begin(self), process, name, text, options);
      },
    );
  shown(about('read', 'the messages that are there'))
    .option('--limit <n>', 'at most so many (default: all)')
    .action(async (process: string, name: string, options: ReadOptions, self: Command) => {
      const invocation = begin(self);
      const { raw = false, from } = options;
      const after = parseWhole(options.after, '--after');
      const limit =
        options.limit === undefined ? Number.MAX_SAFE_INTEGER : parseWhole(options.limit, '--limit');
      const api = await ChannelApi.of(invocation, process, name, options);
      await readMessages(api, invocation.output, {
        after,
        limit,
        raw,
        ...(from === undefined ? {} : { from }),
      });
    });
  shown(
    about('follow', 'the messages that are there, and then those that come, until the channel ends'),
  ).action(async (process: string, name: string, options: ReadOptions, self: Command) => {
    const invocation = begin(self);
    const { raw = false, from } = options;
    const after = parseWhole(options.after, '--after');
    const api = await ChannelApi.of(invocation, process, name, options);
    await followMessages(api, invocation.output, {
      after,
      raw,
      ...(from === undefined ? {} : { from }),
    }).catch((error: unknown) => {
      throw failureOf(error);
    });
  });
  about('pipe', 'standard input to the channel, and what the other side sends to standard output')
    .option('--after <index>', 'read from behind this message', '0')
    .option('--lines', 'a message is a line (default: what was read at once)')
    .option('--keep-open', 'the end of standard input does not end this side')
    .action(async (process: string, name: string, options: PipeOptions, self: Command) => {
      const invocation = begin(self);
      const after = parseWhole(options.after, '--after');
      const { lines = false, keepOpen = false } = options;
      const api = await ChannelApi.of(invocation, process, name, options);
      const { stdin, abandonRest } = invocation.context;
      await pipe(api, stdin, invocation.output, { lines, keepOpen, after }).catch((error: unknown) => {
        throw failureOf(error);
      });
      // What is typed now has nowhere to go.
      abandonRest?.();
    });
}

async function send(
  invocation: Invocation,
  process: string,
  name: string,
  text: string | undefined,
  { end = false, error, inReplyTo, contentType, ...as }: SendOptions,
): Promise<void> {
  if (end && error !== undefined)
    throw usageError('--end and --error are two messages', 'Send one after the other');
  const { output, context } = invocation;
  const isContent = !end && error === undefined;
  if (isContent && text === undefined && context.stdin.isTTY === true) {
    throw usageError('nothing to send', 'Give the text as an argument, or pipe it in');
  }
  const reply = inReplyTo === undefined ? {} : { inReplyTo: parseWhole(inReplyTo, '--in-reply-to') };
  const content = text ?? (isContent ? await buffer(context.stdin) : undefined);
  const channel = (await ChannelApi.of(invocation, process, name, as)).open();
  try {
    const sent = await (error !== undefined
      ? channel.sendError(error, reply)
      : end
        ? channel.sendEnd(content)
        : channel.send(content ?? '', { contentType: contentType ?? 'text/plain; charset=utf-8', ...reply }));
    output.result({ index: sent.index, timestamp: sent.timestamp }, String(sent.index));
  } catch (failure) {
    throw failureOf(failure);
  } finally {
    await channel.close();
  }
}
