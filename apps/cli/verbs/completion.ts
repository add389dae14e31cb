/** berth completion: scripts for shells. They ask `berth __complete` for the words that fit, so they are never out of date. */
import type { Command } from 'commander';
import { complete } from '../client/complete.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { examples, inSession, type Verb } from '../verb.js';

const bash = `# berth completion for bash
_berth() {
  local IFS=$'\\n'
  COMPREPLY=($(berth __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [[ \${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace
}
complete -o default -F _berth berth
`;

const zsh = `#compdef berth
# berth completion for zsh
_berth() {
  local -a words_found
  words_found=("\${(@f)$(berth __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if (( \${#words_found} )) && [[ -n "\${words_found[1]}" ]]; then compadd -- "\${words_found[@]}"; else _files; fi
}
compdef _berth berth
`;

const fish = `# berth completion for fish
complete -c berth -f -a '(berth __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

export const completion: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('completion <shell>')
      .summary('completion for bash, zsh or fish')
      .description('Prints a script that lets the shell complete verbs, options, types and names of objects.')
      .action((shell: string) => {
        const script = scripts[shell];
        if (script === undefined) throw new CliError(`completion ${shell}: bash, zsh and fish are known`, exitCodes.usage);
        io.out.write(script);
      });
    examples(command, [
      ['bash', 'source <(berth completion bash)'],
      ['zsh', 'berth completion zsh > "${fpath[1]}/_berth"'],
      ['fish', 'berth completion fish > ~/.config/fish/completions/berth.fish'],
    ]);
    program
      .command('__complete [words...]', { hidden: true })
      .allowUnknownOption()
      .action(async (words: readonly string[]) => {
        const found = await complete(program, words, (work) => inSession(program, io, work));
        io.out.write(found.map((word) => `${word}\n`).join(''));
      });
  },
};
