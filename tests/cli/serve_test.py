#!/usr/bin/env python3
"""`foreshard serve` as a browser sees it: the page on 127.0.0.1, and nothing for strangers.

usage: serve_test.py FORESHARD CONFIGS
"""
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

tool, configs = sys.argv[1:]
PAGE = b"<!DOCTYPE html>\n<title>planner</title>\n" + b"x" * 3_000_000
failures = []


def check(condition, message):
    if not condition:
        failures.append(message)


def ask(port, method="GET", path="/", host=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"Host": host or f"localhost:{port}"})
    response = connection.getresponse()
    return response.status, response.read()


def is_reachable_elsewhere(port):
    """Whether another of this machine's addresses answers: 127.0.0.2 stands for them all."""
    try:
        socket.create_connection(("127.0.0.2", port), timeout=5).close()
        return True
    except OSError:
        return False


def serve(environment, *options):
    return subprocess.Popen([tool, "serve", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


with tempfile.TemporaryDirectory() as folder:
    # As installed: share/foreshard/configs, and the page beside it.
    shared = Path(folder) / "share" / "foreshard"
    shared.mkdir(parents=True)
    (shared / "configs").symlink_to(configs)
    environment = {**os.environ, "FORESHARD_CONFIGS": str(shared / "configs")}

    without = subprocess.run([tool, "serve", "--port", "0"], capture_output=True, text=True, env=environment, timeout=60)
    check(without.returncode == 3, f"without a page the exit code is {without.returncode}")
    check("scripts/build_web.sh" in without.stderr, f"without a page it says: {without.stderr}")

    (shared / "web").mkdir()
    (shared / "web" / "foreshard.html").write_bytes(PAGE)
    server = serve(environment, "--port", "0")
    line = server.stdout.readline()
    found = re.search(r"http://localhost:(\d+)/", line)
    check(found, f"it says: {line}")
    if found:
        port = int(found.group(1))
        idle = socket.create_connection(("127.0.0.1", port))  # as browsers open one in advance
        check(ask(port) == (200, PAGE), "the page is another")
        check(ask(port, path="/index.html")[0] == 200, "/index.html is missing")
        check(ask(port, host=f"127.0.0.1:{port}")[0] == 200, "127.0.0.1 is no host")
        check(ask(port, "HEAD") == (200, b""), "HEAD has a body")
        check(ask(port, path="/configs")[0] == 404, "another file is served")
        check(ask(port, "POST")[0] == 405, "POST is answered")
        check(ask(port, host="attacker.example")[0] == 421, "a strange host is answered")
        check(not is_reachable_elsewhere(port), "it listens on more than 127.0.0.1")
        second = subprocess.run([tool, "serve", "--port", str(port)], capture_output=True, text=True, env=environment, timeout=60)
        check(second.returncode == 3 and "--port" in second.stderr, f"a port in use: {second.returncode}, {second.stderr}")
        idle.close()
    server.send_signal(signal.SIGINT)
    check(server.wait(timeout=30) == 0, f"after Ctrl-C the exit code is {server.returncode}: {server.stderr.read()}")

for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
