#!/usr/bin/env python3
"""Finds names that a header uses but neither declares nor includes, itself or through what it includes.

    header_names.py TREE

Reads text: the types, constants and functions that headers declare outside of classes, and the words in the code of the
others. A name that several headers declare may come from any of them."""
import os
import re
import sys

FOLDERS = ("planner", "sim", "runtime", "cli", "tools", "tests")
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"', re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
TYPE = re.compile(r"^\s*(?:struct|class|enum class|enum|using)\s+(?:\[\[\w+\]\]\s*)?(\w+)", re.M)
OUTER_TYPE = re.compile(r"^(?:struct|class|enum class|enum|using)\s+(?:\[\[\w+\]\]\s*)?(\w+)(?!\s*;)", re.M)
OUTER_CONSTANT = re.compile(r"^(?:inline |extern |constexpr |const )+[^=;({\n]*?(k[A-Z]\w*)", re.M)
OUTER_FUNCTION = re.compile(r"^(?!using|return|static_assert|template|namespace)[\w\[][\w:<>,&*\[\] ]*[ &*]([a-z]\w*_\w+)\(", re.M)
# What a header declares inside of classes and templates.
INNER_CONSTANT = re.compile(r"^\s+(?:static |constexpr |const )+[^=;({\n]*?(k[A-Z]\w*)", re.M)
INNER_FUNCTION = re.compile(r"^\s+(?!return|else)[\w\[][\w:<>,&*\[\] ]*[ &*]([a-z]\w*_\w+)\(", re.M)
PARAMETER = re.compile(r"\b(?:typename|class|int)(?:\.\.\.)? (\w+)\s*[,>=]")
# A type or constant, or a function that is called; not what stands behind a dot, an arrow or a qualifier.
WORD = re.compile(r"(?<![\w.:>])(?:foreshard::)?([A-Z]\w*|k[A-Z]\w*|[a-z]\w*_\w+(?=\())")


class Header:
    def __init__(self, text):
        self.includes = INCLUDE.findall(text)
        # A comment or text keeps its lines, so that words keep theirs.
        self.code = NOT_CODE.sub(lambda found: "\n" * found[0].count("\n"), INCLUDE.sub("", text))
        self.declares = set(OUTER_TYPE.findall(self.code)) | set(OUTER_CONSTANT.findall(self.code))
        self.declares |= set(OUTER_FUNCTION.findall(self.code))
        self.has = self.declares.copy()
        for kind in (TYPE, INNER_CONSTANT, INNER_FUNCTION, PARAMETER):
            self.has |= set(kind.findall(self.code))


def read_headers(tree):
    headers = {}
    for folder in FOLDERS:
        for place, _, files in os.walk(os.path.join(tree, folder)):
            for file in files:
                if file.endswith((".hpp", ".cuh")):
                    path = os.path.join(place, file)
                    with open(path, encoding="utf-8") as text:
                        headers[os.path.relpath(path, tree)] = Header(text.read())
    return headers


def reached(headers, path, known):
    """All headers that a header includes, and itself."""
    if path not in known:
        known[path] = {path}
        for included in headers[path].includes:
            if included in headers:
                known[path] = known[path] | reached(headers, included, known)
    return known[path]


def main(tree):
    headers = read_headers(tree)
    homes = {}
    for path, header in headers.items():
        for name in header.declares:
            homes.setdefault(name, []).append(path)
    known = {}
    found = []
    for path, header in sorted(headers.items()):
        there = reached(headers, path, known)
        names = set().union(*(headers[each].has for each in there))
        for name in sorted(set(WORD.findall(header.code)) - names):
            if name in homes:
                line = header.code[: re.search(rf"(?<![\w.:>])(?:foreshard::)?{name}\b", header.code).start()].count("\n") + 1
                found.append(f"{path}:{line}: uses {name} without {' or '.join(homes[name])}")
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: header_names.py TREE")
    sys.exit(main(sys.argv[1]))
