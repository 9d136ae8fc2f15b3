"""foreshard: plans, compares and simulates the distributed training of large language models.

Every function takes what the command of that name takes: the job (the name of a bundled job, a path, the text of a job
file, or a dict) and the command's options as keywords, with _ for -. `set` is a dict of keys of the job.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Sequence, Union

from ._answer import Answer
from ._call import ForeshardError, ForeshardFailure, call, version

Job = Union[str, "os.PathLike[str]", Dict[str, Any]]
Settings = Optional[Dict[str, Any]]

__all__ = ["Answer", "ForeshardError", "ForeshardFailure", "Job", "compare", "configs", "explain", "plan", "run", "score",
           "search", "show", "simulate"]
__version__ = version()


def run(command: str, **options: Any) -> Any:
    """Any command that gives JSON. Returns an Answer, or a list of them for files with several jobs."""
    result = call(command, options)
    if isinstance(result, list):
        return [Answer(one) for one in result]
    return Answer(result) if isinstance(result, dict) else result


def plan(job: Job, *, set: Settings = None, **options: Any) -> Answer:
    """How long a step takes, whether it fits, what the training costs."""
    return run("plan", job=job, set=set, **options)


def compare(job: Job, *, set: Settings = None, **axes: Union[int, str, Sequence[Union[int, str]]]) -> Answer:
    """Variants of one job: compare(job, tp=[1, 2, 4], recompute=["none", "full"])."""
    return run("compare", job=job, set=set, **axes)


def search(job: Job, *, set: Settings = None, **options: Any) -> Answer:
    """The best of all legal plans; `free` and `keep` say what is varied, `emit` a folder for the plans as job files."""
    return run("search", job=job, set=set, **options)


def explain(job: Job, *, set: Settings = None, **options: Any) -> Answer:
    """Why a step takes as long as it does, and what more of each resource is worth."""
    return run("explain", job=job, set=set, **options)


def simulate(job: Job, *, set: Settings = None, timeline: bool = False, **options: Any) -> Answer:
    """The step simulated; with `timeline`, also the passes of each stage."""
    return run("simulate", job=job, set=set, timeline=timeline, **options)


def score(files: Sequence[str] = (), *, set: Settings = None, **options: Any) -> Answer:
    """Predicted against measured: files of measured jobs, or names of bundled ones; all bundled if none are given."""
    return run("score", file=list(files) or None, set=set, **options)


def configs(kind: str) -> List[Dict[str, Any]]:
    """The bundled models, accelerators, clusters, jobs or measured runs."""
    return call("list", {"kind": kind})[kind]


def show(name: str) -> str:
    """The YAML of a bundled config; "schema" for the JSON Schema of job files."""
    return call("show", {"name": name})
