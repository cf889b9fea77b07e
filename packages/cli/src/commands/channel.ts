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
        'speak as the executor: what "weir process assign" showed (default: WEIR_ASSIGNMENT)',
      );
  const shown = (command: Command): Command =>
    command
      .option('--after <index>', 'behind this message', '0')
      .option('--raw', 'contents as they are, nothing around them')
      .addOption(new Option('--from <side>', 'of one side only').choices(['submitter', 'executor']));

  about('send', 'send one message; its index is the output')
    .argument('[text]', 'its content (default: standard input)')
    .option('--end', 'say that nothing more comes from this side')
    .option('--error <text>', 'say what went wrong')
    .option('--in-reply-to <index>', 'the message it answers')
    .option('--content-type <type>', 'of the content (default: text/plain; charset=utf-8)')
    .action(
      async (process: string, name: string, text: string | undefined, flags: SendFlags, self: Command) => {
        const { runSend } = await import('../channel/run-channel.js');
        await runSend(begin(self), { process, name }, text, flags);
      },
    );
  shown(about('read', 'the messages that are there'))
    .option('--limit <n>', 'at most so many (default: all)')
    .action(async (process: string, name: string, flags: ReadFlags, self: Command) => {
      const { runRead } = await import('../channel/run-channel.js');
      await runRead(begin(self), { process, name }, flags);
    });
  shown(about('follow', 'the messages that are there, then those that come, until the channel ends')).action(
    async (process: string, name: string, flags: ReadFlags, self: Command) => {
      const { runFollow } = await import('../channel/run-channel.js');
      await runFollow(begin(self), { process, name }, flags);
    },
  );
  about('pipe', 'standard input to the channel, and what the other side sends to standard output')
    .option('--after <index>', 'read from behind this message', '0')
    .option('--lines', 'a message is a line (default: what was read at once)')
    .option('--keep-open', 'at the end of standard input, do not end this side, and stay')
    .option('--raw', 'on a terminal too, control characters as they are')
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
