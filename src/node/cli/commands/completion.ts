/** `completion`: commands and flags for the shell's tab key. */

import { Argument, type Command } from 'commander';

/** Adds the command. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .summary('tab completion for a shell')
    .description('Prints what lets a shell complete commands and flags.')
    .addArgument(new Argument('<shell>').choices(Object.keys(scripts)))
    .addHelpText(
      'after',
      `
Examples:
  $ parametric-umap completion bash >> ~/.bashrc
  $ parametric-umap completion zsh >> ~/.zshrc
  $ parametric-umap completion fish > ~/.config/fish/completions/parametric-umap.fish`,
    )
    .action((shell: string) => {
      process.stdout.write(scripts[shell]!(wordsOf(program)));
    });
}

type Words = ReadonlyMap<string, readonly string[]>;

/** The flags of each command. */
function wordsOf(program: Command): Words {
  return new Map(
    program.commands.map((command) => [command.name(), command.options.flatMap(({ long }) => long ?? [])]),
  );
}

const scripts: Readonly<Record<string, (words: Words) => string>> = {
  bash: (words) => `_parametric_umap() {
  local word="\${COMP_WORDS[COMP_CWORD]}" flags=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${[...words.keys()].join(' ')}" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases(words)}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _parametric_umap parametric-umap
`,
  zsh: (words) => `autoload -U +X compinit && compinit
_parametric_umap() {
  local flags=""
  if (( CURRENT == 2 )); then
    compadd -- ${[...words.keys()].join(' ')}
    return
  fi
  case "$words[2]" in
${cases(words)}
  esac
  if [[ "$PREFIX" == -* ]]; then compadd -- \${=flags}; else _files; fi
}
compdef _parametric_umap parametric-umap
`,
  fish: (words) =>
    [...words]
      .flatMap(([command, flags]) => [
        `complete -c parametric-umap -n __fish_use_subcommand -a ${command}`,
        ...flags.map(
          (flag) =>
            `complete -c parametric-umap -n '__fish_seen_subcommand_from ${command}' -l ${flag.slice(2)}`,
        ),
        '',
      ])
      .join('\n'),
};

function cases(words: Words): string {
  return [...words].map(([command, flags]) => `    ${command}) flags="${flags.join(' ')}" ;;`).join('\n');
}
