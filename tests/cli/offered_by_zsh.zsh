# Prints what zsh offers where a command line ends, one a line: completion is asked in a terminal of its own, and what is
# handed to compadd is written down.
#
#   zsh -f offered_by_zsh.zsh DIRECTORY_OF_THE_TOOLS COMPLETION_SCRIPT LINE
zmodload zsh/zpty
directory=$1 script=$2 line=$3
answer=$(mktemp)
zpty -b terminal zsh -f -i
zpty -w terminal "PROMPT=; path=(${(q)directory} \$path); autoload -Uz compinit; compinit -D -u; source ${(q)script}
compadd() {
  if [[ -z \${@[(r)-[OAD]]} ]]; then
    local -a hits
    builtin compadd -O hits \"\$@\"
    print -rl -- \$IPREFIX\${^hits} >>${(q)answer}
  fi
  builtin compadd \"\$@\"
}
asked() { zle list-choices; print -r -- asked >>${(q)answer} }
zle -N asked; bindkey '^I' asked; print -r -- ready"
zpty -r -m terminal said '*ready*'
zpty -w -n terminal "$line"$'\t'
integer waited=0
until grep -qx asked $answer || (( waited++ > 100 )); do sleep 0.1; done
zpty -d terminal
grep -vx asked $answer | sort -u
rm -f $answer
