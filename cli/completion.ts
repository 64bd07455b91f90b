// Completion: the shells ask `aq __complete WORDS…` at each tab, so that one place knows the commands.
import type { Argument, Command, Option } from 'commander';
import { cut, oneLine } from './text.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];
/** The hidden command that the scripts call. */
export const COMPLETE = '__complete';

const MAX_DESCRIPTION = 60;

export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# aq completion for bash: add to ~/.bashrc:  source <(aq completion bash)
_aq() {
  local IFS=$'\\n'
  COMPREPLY=($(aq ${COMPLETE} -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _aq aq
`,
  zsh: `#compdef aq
# aq completion for zsh: add to ~/.zshrc after compinit:  source <(aq completion zsh)
_aq() {
  local -a found
  found=("\${(@f)$(aq ${COMPLETE} -- "\${(@)words[2,CURRENT]}" 2>/dev/null | sed 's/:/\\\\:/g; s/\\t/:/')}")
  if [[ -n "$found" ]]; then _describe 'aq' found; else _files; fi
}
compdef _aq aq
`,
  fish: `# aq completion for fish: save as ~/.config/fish/completions/aq.fish
function __aq_complete
  set -l words (commandline -opc) (commandline -ct)
  aq ${COMPLETE} -- $words[2..-1] 2>/dev/null
end
complete -c aq -a '(__aq_complete)'
`,
};

export interface Candidate {
  value: string;
  description: string;
}

/**
 * What may stand in place of the last word.
 * @param words after `aq`; the last one is being typed, and may be empty
 * @param jobs the candidates where a job is meant
 */
export async function complete(
  program: Command,
  words: readonly string[],
  jobs: () => Promise<Candidate[]>,
): Promise<Candidate[]> {
  const typed = words.at(-1) ?? '';
  const { command, last, given } = walk(program, words.slice(0, -1));
  const candidates = await candidatesFor(program, command, last, given, typed, jobs);
  return candidates
    .filter(({ value }) => value.startsWith(typed))
    .map(({ value, description }) => ({ value, description: cut(oneLine(description), MAX_DESCRIPTION) }));
}

interface Place {
  command: Command;
  /** The option whose value comes now. */
  last: Option | undefined;
  /** Arguments of the command that are there already. */
  given: number;
}

/** Goes down the commands; whatever is no option and no command is an argument. */
function walk(program: Command, words: readonly string[]): Place {
  let command = program;
  let given = 0;
  let last: Option | undefined;
  for (const word of words) {
    if (last) {
      last = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      const option = optionsOf(program, command).find(({ short, long }) => short === word || long === word);
      last = option && (option.required || option.optional) ? option : undefined;
      continue;
    }
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next) command = next;
    else given += 1;
  }
  return { command, last, given };
}

async function candidatesFor(
  program: Command,
  command: Command,
  last: Option | undefined,
  given: number,
  typed: string,
  jobs: () => Promise<Candidate[]>,
): Promise<Candidate[]> {
  if (last) return (last.argChoices ?? []).map((value) => ({ value, description: '' }));
  if (typed.startsWith('-'))
    return optionsOf(program, command).map(({ long, short, description }) => ({
      value: long ?? short ?? '',
      description,
    }));
  if (command.commands.length > 0)
    return command.commands
      .filter((one) => one.name() !== COMPLETE)
      .map((one) => ({ value: one.name(), description: one.description() }));
  const argument: Argument | undefined = command.registeredArguments[given];
  if (argument?.name() === 'job') return jobs();
  return (argument?.argChoices ?? []).map((value) => ({ value, description: '' }));
}

const optionsOf = (program: Command, command: Command): Option[] =>
  command === program ? [...program.options] : [...command.options, ...program.options];
