import { type Command, Option } from 'commander';
import type { PipeFlags, ReadFlags, SendFlags } from '../channel/run-channel.js';
import type { Begin } from '../program.js';

/** `weir channel`: the messages between a process and its submitter. */
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
        'act as the executor with this assignment of "weir process assign" (default: WEIR_ASSIGNMENT)',
      );
  const shown = (command: Command): Command =>
    command
      .option('--after <index>', 'start after the message with this index', '0')
      .option('--raw', 'only the contents, without escaping')
      .addOption(
        new Option('--from <side>', 'only messages of this side').choices(['submitter', 'executor']),
      );

  about('send', 'send one message and print its index')
    .argument('[text]', 'its content (default: standard input)')
    .option('--end', 'close this side of the channel')
    .option('--error <text>', 'report an error')
    .option('--in-reply-to <index>', 'index of the message that this one answers')
    .option('--content-type <type>', 'of the content (default: text/plain; charset=utf-8)')
    .action(
      async (process: string, name: string, text: string | undefined, flags: SendFlags, self: Command) => {
        const { runSend } = await import('../channel/run-channel.js');
        await runSend(begin(self), { process, name }, text, flags);
      },
    );
  shown(about('read', 'read the stored messages'))
    .option('--limit <n>', 'maximum number (default: all)')
    .action(async (process: string, name: string, flags: ReadFlags, self: Command) => {
      const { runRead } = await import('../channel/run-channel.js');
      await runRead(begin(self), { process, name }, flags);
    });
  shown(about('follow', 'read the stored messages, then new ones until the channel ends')).action(
    async (process: string, name: string, flags: ReadFlags, self: Command) => {
      const { runFollow } = await import('../channel/run-channel.js');
      await runFollow(begin(self), { process, name }, flags);
    },
  );
  about('pipe', 'copy standard input to the channel, and received messages to standard output')
    .option('--after <index>', 'start after the message with this index', '0')
    .option('--lines', 'one message per line (default: one per chunk read)')
    .option('--keep-open', 'do not close this side at the end of standard input')
    .option('--raw', 'write control characters unescaped, also to a terminal')
    .addHelpText(
      'after',
      `
At the end of standard input the pipe ends its side of the channel. The submitter's pipe then stays, and prints what the executor
sends, until both sides or the process have ended; to send without waiting use "weir channel send". The executor's pipe (with
--assignment) ends with its standard input, because the executor still has to close the process. While the server does not
answer, the pipe waits, and reports it on standard error.`,
    )
    .action(async (process: string, name: string, flags: PipeFlags, self: Command) => {
      const { runPipe } = await import('../channel/run-channel.js');
      await runPipe(begin(self), { process, name }, flags);
    });
}
