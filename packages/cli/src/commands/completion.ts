import completions from '@bomb.sh/tab';
import addShellCompletion from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import type { Begin } from '../program.js';

/** `weir completion`: shell scripts, which call `weir complete` for completions. */
export async function addCompletion(program: Command, begin: Begin, args: readonly string[]): Promise<void> {
  addShellCompletion(program, { completionCommandName: 'completion' });
  program.commands
    .find((command) => command.name() === 'completion')
    ?.description('script that makes a shell complete weir commands')
    .addHelpText(
      'after',
      `
Examples:
  $ source <(weir completion bash)                       in ~/.bashrc, with the package bash-completion installed
  $ source <(weir completion zsh)                        in ~/.zshrc, after compinit
  $ weir completion fish > ~/.config/fish/completions/weir.fish`,
    )
    .action((shell: string, _options: unknown, self: Command) => {
      begin(self).context.stdout.write(scriptOf(shell));
    });
  if (args[0] === 'complete' && args.includes('event')) await completeEventKeys();
}

/**
 * The completion script of a shell. The library prints it; its bash script declares constants, which cause errors when
 * a shell sources the script again, so the declarations are changed.
 */
function scriptOf(shell: string): string {
  const { log } = console;
  let script = '';
  console.log = (text: string) => {
    script += `${text}\n`;
  };
  try {
    completions.setup('weir', 'weir', shell);
  } finally {
    console.log = log;
  }
  return script.replaceAll(/^readonly (?=\w+=)/gm, '');
}

/** Completes the names of shipped keys only: completion must not run a keys file of the working directory. */
async function completeEventKeys(): Promise<void> {
  const { shippedKeys } = await import('@weir/event/keys');
  for (const command of ['event consume', 'event schema']) {
    const argument = completions.commands.get(command)?.arguments.get('key');
    if (argument === undefined) continue;
    argument.handler = (complete) => {
      for (const { key, description } of shippedKeys) complete(key, description ?? '');
    };
  }
}
