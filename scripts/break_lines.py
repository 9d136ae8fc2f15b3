#!/usr/bin/env python3
"""Breaks lines of the sources one at a time and shows which test notices.

  scripts/break_lines.py BUILD [--count 50] [--seed 1] [--under planner/cost …] [--minutes 60]

BUILD is a build folder whose library is compiled with -O0 or -O1, as that of the preset ci is, and whose test programs are
built. The lines are drawn from what computes results: a sign, a comparison, a bound, a constant or a whole statement is changed.
Of each, only the changed file is compiled; the test programs are linked with it in front of the library, in a temporary folder:
neither the sources nor BUILD are touched. The programs of the same folder run first, then the others, until one fails or does
not end.

Each line of the output is: place, what was changed, and the program that noticed, or SURVIVED. A change that does not compile
is noticed by the compiler, and counted apart. Exit code 1 if any survived; not every survivor is a gap: some changes are
without effect.
"""

import argparse
import collections
import json
import math
import os
import pathlib
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# What computes results: no tables of words, no reports, no readers.
FOLDERS = ['planner/units', 'planner/topology', 'planner/program', 'planner/cost', 'planner/search', 'planner/explain',
           'planner/fit', 'planner/score', 'planner/spec/job', 'planner/trace', 'sim']

# What is changed, and into what. clang-format puts spaces around operators, and none around angle brackets.
CHANGES = [
    (r' \+ ', ' - '), (r' - ', ' + '), (r' \* ', ' + '), (r' / ', ' * '), (r' \+= ', ' -= '),
    (r' < ', ' <= '), (r' <= ', ' < '), (r' > ', ' >= '), (r' >= ', ' > '), (r' == ', ' != '), (r' != ', ' == '),
    (r' && ', ' || '), (r' \|\| ', ' && '), (r'std::max\(', 'std::min('), (r'std::min\(', 'std::max('),
    (r'\btrue\b', 'false'), (r'\bfalse\b', 'true'),
    (r'(?<=[ (])1(?=[ ;,)])', '2'), (r'(?<=[ (])2(?=[ ;,)])', '3'), (r'(?<=[ (])0(?=[ ;,)])', '1'),
    (r'^(\s+)[\w.>-]+\([^{}]*\);$', r'\1;'), (r'\bcontinue;', ';'), (r'\bbreak;', ';'),
]
# Lines that say nothing about results.
LEFT_OUT = re.compile(r'^\s*(//|#|case |default:|template|using |constexpr .*\{|static_assert|throw|\}|assert|EXPECTS|.*fmt::format|.*logic_error)')


def changes_of(text):
    """All changes of a source: (number of the line, changed line, what was changed)."""
    found = []
    for number, line in enumerate(text.split('\n')):
        code = re.sub(r'\s*//.*$', '', line)
        if LEFT_OUT.match(line) or '"' in code or not code.strip():
            continue
        for pattern, to in CHANGES:
            for match in re.finditer(pattern, code):
                changed = code[:match.start()] + match.expand(to) + code[match.end():]
                found.append((number, changed, f'{match.group().strip()} → {match.expand(to).strip() or "nothing"}'))
        if negated := negate(code):
            found.append((number, negated, 'the condition negated'))
    return found


def negate(code):
    """A line with the condition of its `if` negated, if it ends on that line and declares nothing."""
    begin = code.find('if (')
    if begin < 0 or ';' in code[begin:].split(')')[0] or ' = ' in code[begin:].split(')')[0]:
        return None
    depth = 0
    for end in range(begin + 3, len(code)):
        depth += {'(': 1, ')': -1}.get(code[end], 0)
        if depth == 0:
            return f'{code[:begin]}if (!{code[begin + 3:end + 1]}){code[end + 1:]}'
    return None


class Build:
    """What is known from a build folder of Ninja: how sources are compiled and test programs are linked."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        cache = (self.folder / 'CMakeCache.txt').read_text()
        self.root = pathlib.Path(re.search(r'^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$', cache, re.M).group(1))
        self.compile_of = {}  # source below the root: command that compiles it, alone or with others
        for entry in json.loads((self.folder / 'compile_commands.json').read_text()):
            unit = pathlib.Path(entry['file'])
            sources = [unit]
            if 'Unity' in unit.parts and unit.exists():
                sources = [pathlib.Path(p) for p in re.findall(r'#include "(.*\.cpp)"', unit.read_text())]
            for source in sources:
                if source.is_relative_to(self.root) and '/test' not in entry.get('output', ''):
                    self.compile_of.setdefault(str(source.relative_to(self.root)), (entry['command'], str(unit)))
        self.tests = {}  # program: folder of its sources
        for match in re.finditer(r'^build bin/([^\s:]+).*CXX_EXECUTABLE_LINKER\S* (tests/\S+?)/CMakeFiles/',
                                 (self.folder / 'build.ninja').read_text(), re.M):
            if (self.folder / 'bin' / match.group(1)).exists():
                self.tests[match.group(1)] = match.group(2)

    def link_of(self, program):
        lines = subprocess.run(['ninja', '-C', self.folder, '-t', 'commands', 'bin/' + program], check=True,
                               capture_output=True, text=True).stdout.splitlines()
        command = next(line for line in reversed(lines) if f'-o bin/{program}' in line)
        return next(part for part in command.split(' && ') if f'-o bin/{program}' in part)

    def compile(self, source, text, to):
        """Compiles a changed source. False if the compiler refuses it."""
        command, unit = self.compile_of[source]
        changed = to.with_suffix('.cpp')
        changed.write_text(text)
        words = shlex.split(command)
        if [w for w in words if w.startswith('-O')][-1:] not in (['-O0'], ['-O1']):
            sys.exit(f'{self.folder}: its functions may be inlined elsewhere; configure with -DFORESHARD_LIBRARY_LEVEL=-O1')
        words = [str(changed) if w == unit else w for w in words if w != '-Werror' and '_FORTIFY_SOURCE' not in w]
        words[words.index('-o') + 1] = str(to)
        return subprocess.run(words + ['-O0', '-w'], cwd=self.folder, capture_output=True, check=False).returncode == 0

    def link(self, program, obj, to):
        """Links a program with an object whose functions replace those of the library. False if the program lacks what these
        need: it has another library, and none of them."""
        # Of two definitions the first is taken: the object stands before those of the program.
        command = self.link_of(program).replace(f'-o bin/{program}', f'-Wl,-z,muldefs -o {to}')
        first = re.search(r' \S+\.o\b', command)
        command = f'{command[:first.start()]} {obj}{command[first.start():]}'
        if shutil.which('mold'):
            command += ' -fuse-ld=mold'
        return subprocess.run(command, shell=True, cwd=self.folder, capture_output=True, check=False).returncode == 0


def passes(build, program, seconds):
    """Whether a test program passes, and the CPU seconds that it took; None for one that takes more than `seconds`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = dict(os.environ, FORESHARD_CONFIGS=str(build.root / 'configs'))
    limit = math.ceil(seconds)
    try:
        code = subprocess.run([program, '--abort'], env=environment, timeout=60 * limit, stdout=subprocess.DEVNULL, check=False,
                              stderr=subprocess.DEVNULL,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))).returncode
    except subprocess.TimeoutExpired:
        code = -signal.SIGXCPU
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = code not in (-signal.SIGXCPU, -signal.SIGKILL)
    return code == 0 if ended else None, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def nearness(folder, source):
    """How many folders the tests' path shares with the source's."""
    shared = 0
    for a, b in zip(folder.split('/')[1:], source.split('/')[:-1]):
        if a != b:
            break
        shared += 1
    return shared


class Tests:
    """The test programs, each run as it is before it judges the first change: one that fails then cannot notice anything."""

    def __init__(self, build, left_out, most):
        self.build = build
        self.most = most
        self.programs = [program for program in sorted(build.tests) if not re.search(left_out, program)]
        self.seconds_of = {}

    def seconds(self, program):
        """CPU seconds of the program as it is; None if it does not pass, or takes too long."""
        if program not in self.seconds_of:
            passed, seconds = passes(self.build, self.build.folder / 'bin' / program, self.most)
            self.seconds_of[program] = seconds if passed else None
            if not passed:
                print(f'left out: {program} does not pass as it is, or not within {self.most:g} s', file=sys.stderr)
        return self.seconds_of[program]

    def notice(self, source, obj, scratch):
        """The first program that notices, or None. Those near the source are asked first."""
        for program in sorted(self.programs, key=lambda p: -nearness(self.build.tests[p], source)):
            seconds = self.seconds(program)
            if seconds is None:
                continue
            broken = scratch / program
            if not self.build.link(program, obj, broken):
                continue
            verdict, _ = passes(self.build, broken, 10 + 5 * seconds)
            broken.unlink()
            if verdict is None:
                return program + ' (does not end)'
            if not verdict:
                return program
        return None


def draw(build, folders, engine):
    """Changes in random order, one folder after the other."""
    sources = collections.defaultdict(list)
    for source in sorted(build.compile_of):
        folder = next((f for f in folders if source.startswith(f + '/')), None)
        if folder and source.endswith('.cpp'):
            sources[folder].append(source)
    for files in sources.values():
        engine.shuffle(files)
    while any(sources.values()):
        for folder in folders:
            if not sources[folder]:
                continue
            source = sources[folder].pop()
            found = changes_of((build.root / source).read_text())
            if found:
                yield source, engine.choice(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--count', type=int, default=50, help='lines that compile')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--under', nargs='+', default=FOLDERS, metavar='FOLDER')
    parser.add_argument('--minutes', type=float, default=float('inf'), help='end after so many')
    parser.add_argument('--most', type=float, default=60, metavar='SECONDS', help='CPU time of a test program')
    parser.add_argument('--leave-out', default='^$', metavar='REGEX', help='programs that are not run')
    options = parser.parse_args()
    begin = time.monotonic()
    build = Build(options.build)
    tests = Tests(build, options.leave_out, options.most)
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        for source, (number, line, what) in draw(build, options.under, random.Random(options.seed)):
            if counts['noticed'] + counts['survived'] >= options.count or time.monotonic() - begin > 60 * options.minutes:
                break
            lines = (build.root / source).read_text().split('\n')
            lines[number] = line
            obj = scratch / 'changed.o'
            if not build.compile(source, '\n'.join(lines), obj):
                counts['refused by the compiler'] += 1
                continue
            by = tests.notice(source, obj, scratch)
            counts['noticed' if by else 'survived'] += 1
            print(f'{source}:{number + 1}: {what}: {by or "SURVIVED"}', flush=True)
            if not by:
                print(f'    {line.strip()}', flush=True)
    print(', '.join(f'{count} {what}' for what, count in counts.items()))
    sys.exit(1 if counts['survived'] else 0)


main()
