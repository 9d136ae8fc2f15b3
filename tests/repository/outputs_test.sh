#!/usr/bin/env bash
# outputs.sh must find outputs that differ and commands that do not end as said, and must let true pages pass.
set -euo pipefail
outputs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/outputs.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# Tools that say what they are told, and end with 0 unless their first argument is another number.
mkdir -p "$tree/bin" "$tree/docs/deeper" "$tree/configs"
for tool in foreshard foreshard-run mpirun; do
  cat >"$tree/bin/$tool" <<'END'
#!/usr/bin/env bash
case ${1:-} in
  write) echo written >"$2" ;;
  read) cat "$2" ;;
  [0-9]*) exit "$1" ;;
  *) echo "$*" ;;
esac
END
  chmod +x "$tree/bin/$tool"
done

failed=0
page() { cat >"$tree/docs/deeper/page.md"; }
ends() { # CODE MODE PATTERN: what outputs.sh says of the page
  local code=0
  PATH=$tree/bin:$PATH "$outputs" "$tree" "$tree/bin/foreshard" ${2:+"$2"} >"$tree/said" 2>&1 || code=$?
  if ((code != $1)) || ! grep -qE -- "$3" "$tree/said"; then
    printf 'ended with %s and said:\n%s\nexpected %s and: %s\nof this page:\n%s\n' "$code" "$(cat "$tree/said")" "$1" "$3" \
      "$(cat "$tree/docs/deeper/page.md")"
    failed=1
  fi
}

printf 'one\ntwo 1\n\ntwo 3.5 words\nthree\nfour\n' >"$tree/docs/lines"
page <<'END'
```yaml
# mine.yaml
model: small
```

```sh
foreshard plan mine.yaml            # a remark
foreshard write here.txt
foreshard read \
  here.txt
foreshard 1   # exits 1
foreshard 1   # exits 0 or 1
cmake --build nothing
```

```
$ foreshard read mine.yaml
# mine.yaml
model: small
```

```
$ foreshard read ../lines | head -n 1
one
$ foreshard read \
  ../lines
one
…
$ foreshard read ../lines
…
two 3.5 words
three
…
$ foreshard read ../lines
…
three
four
$ foreshard read ../lines
…
$ foreshard 2   # exits 2
```

<!-- not run: there is no such machine -->
```sh
foreshard 3
```

<!-- not run: there is no such machine -->
```
$ elsewhere foreshard
what it prints
```

Other blocks are left alone:

```yaml
# another.yaml is a file, says this comment
```
END
sed -i 's/^two 3.5 words$/two 3.5 words/' "$tree/docs/deeper/page.md"
ends 0 '' '7 outputs are as shown, 5 commands end as said'
if [[ -e $tree/docs/deeper/here.txt || -e $tree/docs/deeper/mine.yaml ]]; then
  echo "commands have written into the tree"
  failed=1
fi

# Which part is shown is found again after its figures have changed; its lines may become more, fewer or others.
page <<'END'
```
$ foreshard read ../lines
…
two 888 words
was
…
```
END
ends 1 '' '^\+two 3.5 words'
ends 0 --update '1 outputs written'
ends 0 '' '1 outputs are as shown'
grep -qx 'three' "$tree/docs/deeper/page.md" || { echo "--update did not write the line after the one that it found"; failed=1; }
page <<'END'
```
$ foreshard read ../lines
…
five
…
```
END
ends 1 '' 'no line of the output begins as the one below … does, of: foreshard read ../lines'

# A … that stands for nothing is a difference.
page <<'END'
```
$ foreshard read ../lines | head -n 1
one
…
```
END
ends 1 '' '^-…'

# An output that is another; --update mends it.
page <<'END'
```
$ foreshard one two
one
```
END
ends 1 '' '^\+one two'
ends 0 --update '1 outputs written'
ends 0 '' '1 outputs are as shown'

page <<'END'
```sh
foreshard 2
```
END
ends 1 '' 'page.md: ends with 2, not 0: foreshard 2'
page <<'END'
```sh
foreshard plan   # exits 1
```
END
ends 1 '' 'ends with 0, not 1'

page <<'END'
```sh
foreshard 2   # exits 0 or 1
```
END
ends 1 '' 'ends with 2, not 0 or 1'

# The command of a session must end as its line says, and must be one that can be run here.
page <<'END'
```
$ foreshard 2
```
END
ends 1 '' 'page.md: ends with 2, not 0: foreshard 2'
page <<'END'
```
$ ./elsewhere plan
plan
```
END
ends 1 '' 'cannot be run here, and nothing says why .*: ./elsewhere plan'

# A file that is there already.
touch "$tree/docs/deeper/there.yaml"
page <<'END'
```yaml
# there.yaml
model: small
```
```sh
foreshard plan
```
END
ends 1 '' 'there is a file there.yaml already'

# An output that nobody would compare.
page <<'END'
```sh
foreshard plan
```

```
plan
```
END
ends 1 '' 'nothing says of what this is the output'

# A page of ranks is told by --mpi alone, all of it and in order.
page <<'END'
```sh
mpirun write cluster.yaml
foreshard read cluster.yaml
```

```
$ mpirun counted | cut -c 1-5
count
```
END
ends 1 '' 'no page shows an output or a command'
ends 0 --mpi '1 outputs are as shown, 2 commands end as said'
page <<'END'
```sh
mpirun 3
```
END
ends 1 --mpi 'ends with 3, not 0: mpirun 3'
exit $failed
