import addShellCompletion from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/** `weir completion`: scripts for shells, which ask `weir complete` what may come next. */
export function addCompletion(program: Command): void {
  addShellCompletion(program, { completionCommandName: 'completion' });
  program.commands
    .find((command) => command.name() === 'completion')
    ?.description('script that makes a shell complete weir commands')
    .addHelpText(
      'after',
      `
Examples:
  $ source <(weir completion bash)
  $ weir completion fish > ~/.config/fish/completions/weir.fish`,
    );
}
