#!/usr/bin/env python3
"""The Python package over the shared library: the same bytes as the command line's JSON.

usage: package_test.py FORESHARD      with FORESHARD_LIBRARY and PYTHONPATH set
"""
import json
import subprocess
import sys
import threading
import unittest

import foreshard
from foreshard._call import raw_call

TOOL = sys.argv.pop()
JOB = {
    "name": "small",
    "model": "llama3-8b",
    "cluster": {"name": "dgx-h100", "nodes": 1},
    "parallelism": {"tp": 2},
    "training": {"sequence_length": 4096, "global_batch": 64, "micro_batch": 1},
}


def printed(*arguments):
    return subprocess.run([TOOL, *arguments, "--format", "json"], capture_output=True, text=True, check=False).stdout


class Package(unittest.TestCase):
    def test_bytes_are_those_of_the_command_line(self):
        for request, arguments in [
            ({"command": "plan", "job": "llama3-70b-64h100"}, ["plan", "llama3-70b-64h100"]),
            ({"command": "plan", "job": "llama3-70b-64h100", "tp": 4}, ["plan", "llama3-70b-64h100", "--tp", "4"]),
            ({"command": "compare", "job": "llama3-8b-8h100", "tp": [1, 2]}, ["compare", "llama3-8b-8h100", "--tp", "1,2"]),
            ({"command": "score", "file": ["korthikanti"]}, ["score", "korthikanti"]),
        ]:
            answer = raw_call(request)
            begin = answer.index('"result": ') + len('"result": ')
            self.assertEqual(answer[begin : answer.rindex("}")].rstrip("\n") + "\n", printed(*arguments))

    def test_a_job_is_a_dict_a_text_or_a_name(self):
        answer = foreshard.plan(JOB)
        self.assertEqual(answer["job"]["dp"], 4)  # 8 devices, tp 2
        of_text = foreshard.plan(json.dumps(JOB, indent=1))
        # Two texts have two hashes.
        del answer["tool"], of_text["tool"]
        self.assertEqual(of_text, answer)
        self.assertEqual(foreshard.plan(JOB, tp=4)["job"]["tp"], 4)
        self.assertEqual(foreshard.plan(JOB, set={"training.micro_batch": 2})["job"]["micro_batch"], 2)
        self.assertEqual(foreshard.plan("llama3-70b-64h100")["job"]["devices"], 64)

    def test_variants_and_cases_are_rows(self):
        compared = foreshard.compare(JOB, tp=[1, 2], micro_batch=[1, 2])
        self.assertEqual(len(compared.rows()), 4)
        self.assertEqual(len(foreshard.score(["korthikanti"]).rows()), 9)
        try:
            import pandas  # noqa: F401
        except ImportError:
            return
        self.assertEqual(len(compared.to_dataframe()), 4)

    def test_plans_are_rows(self):
        found = foreshard.search(JOB, free=["tp", "micro_batch"], top=3)
        self.assertEqual([plan["rank"] for plan in found.rows()], [1, 2, 3])
        times = [plan["estimate"]["step"]["time_s"] for plan in found.rows()]
        self.assertEqual(times, sorted(times))

    def test_problems_have_their_place(self):
        with self.assertRaises(foreshard.ForeshardError) as raised:
            foreshard.plan("model: llama3-8b\ncluster: dgx-h100\nparalelism: {tp: 2}\n")
        self.assertIn(3, [problem["line"] for problem in raised.exception.problems])
        with self.assertRaisesRegex(foreshard.ForeshardError, "did you mean 'tp'|takes no"):
            foreshard.plan(JOB, tpp=4)

    def test_notebooks_show_words_and_escape_them(self):
        shown = foreshard.plan({**JOB, "name": "<b>"})._repr_html_()
        self.assertIn("tokens/s per GPU", shown)
        self.assertNotIn("<b><b>", shown)
        self.assertIn("&lt;b&gt;", shown)

    def test_threads_plan_at_once(self):
        expected = foreshard.plan(JOB)
        answers = [None] * 4

        def work(index):
            answers[index] = foreshard.plan(JOB)

        threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertTrue(all(answer == expected for answer in answers))

    def test_configs_are_listed(self):
        self.assertIn("llama3-70b", [model["name"] for model in foreshard.configs("models")])
        self.assertIn("dgx-h100.yaml", foreshard.show("dgx-h100"))


if __name__ == "__main__":
    unittest.main()
