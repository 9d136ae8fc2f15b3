"""The library, by ctypes: a request in JSON, an answer in JSON. ctypes releases the GIL while the library works."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Optional

_HERE = Path(__file__).parent


class ForeshardError(ValueError):
    """A job or a request is wrong. `problems` has each one, with its file, line, column and what is allowed."""

    def __init__(self, message: str, problems: List[Dict[str, Any]]) -> None:
        super().__init__(message)
        self.problems = problems


class ForeshardFailure(RuntimeError):
    """The machine failed: a file that cannot be read or written, no memory."""


def _library_path() -> str:
    chosen = os.environ.get("FORESHARD_LIBRARY")
    if chosen:
        return chosen
    beside = _HERE / "libforeshard.so"
    if beside.exists():
        return str(beside)
    found = ctypes.util.find_library("foreshard")
    if found is None:
        raise ImportError("libforeshard.so is not installed; the environment variable FORESHARD_LIBRARY can name it")
    return found


def _load() -> ctypes.CDLL:
    configs = _HERE / "configs"
    if configs.is_dir():
        os.environ.setdefault("FORESHARD_CONFIGS", str(configs))
    library = ctypes.CDLL(_library_path())
    library.foreshard_call.argtypes = [ctypes.c_char_p]
    library.foreshard_call.restype = ctypes.c_void_p
    library.foreshard_free.argtypes = [ctypes.c_void_p]
    library.foreshard_free.restype = None
    library.foreshard_version.argtypes = []
    library.foreshard_version.restype = ctypes.c_char_p
    return library


_LIBRARY = _load()


def version() -> str:
    return _LIBRARY.foreshard_version().decode()


def raw_call(request: Dict[str, Any]) -> str:
    """The text of the answer to a request, as cli/api/foreshard.h describes both."""
    # A float that is no number has no JSON: refuse it here.
    text = json.dumps(request, allow_nan=False, default=os.fspath).encode()
    answer = _LIBRARY.foreshard_call(text)
    try:
        return ctypes.string_at(answer).decode()
    finally:
        _LIBRARY.foreshard_free(answer)


def call(command: str, options: Dict[str, Optional[Any]]) -> Any:
    """The result of a command. Raises ForeshardError, ForeshardFailure."""
    given = {key: value for key, value in options.items() if value is not None}
    answer = json.loads(raw_call({"command": command, **given}))
    if answer["code"] == 2:
        raise ForeshardError(answer["message"], answer["problems"])
    if answer["code"] > 2:
        raise ForeshardFailure(answer["message"])
    return answer["result"]
