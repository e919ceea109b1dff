#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples.py BUILD_FOLDER: the examples that need a TUN do what they say, in a network namespace of their own.

Speaks TAP. Without the right to make a namespace, or without /dev/net/tun, the tests are skipped and say why.
"""
import os
import socket
import subprocess
import sys
import threading
import time

from common import Tap

DATA = bytes(i * 7 % 251 for i in range(1_000_000))
SECONDS = 60 # bounds waits that end when what is awaited comes


def setup():
    for command in ("ip tuntap add tun0 mode tun", "ip addr add 10.1.0.1/24 dev tun0", "ip link set tun0 up"):
        subprocess.run(command.split(), check=True)


def talk(sock):
    """Sends DATA from a thread of its own and gives back what comes until the end."""
    def send():
        sock.sendall(DATA)
        sock.shutdown(socket.SHUT_WR)
    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    got = b""
    while piece := sock.recv(65536):
        got += piece
    thread.join(SECONDS)
    return got


def connected(address, server):
    """A connection to the server, as soon as it listens."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return socket.create_connection(address, SECONDS)
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def test_echo(folder, program="echo", ends=False):
    with subprocess.Popen([os.path.join(folder, program)]) as server:
        try:
            with connected(("10.1.0.2", 7), server) as sock:
                same = talk(sock) == DATA
            if not ends:
                return same
            server.terminate()
            return same and server.wait(SECONDS) == 0
        finally:
            server.kill()


def test_foreign_loop(folder):
    with socket.create_server(("10.1.0.1", 9)) as listener:
        listener.settimeout(SECONDS)

        def serve():
            sock, _ = listener.accept()
            with sock:
                while piece := sock.recv(65536):
                    sock.sendall(piece)
        threading.Thread(target=serve, daemon=True).start()
        out = subprocess.run([os.path.join(folder, "foreign_loop"), "10.1.0.1", "9"], input=DATA,
                             stdout=subprocess.PIPE, timeout=SECONDS, check=True).stdout
    return out == DATA


TESTS = [("echo", "echo gives a megabyte back to the kernel's TCP", test_echo),
         ("socket_echo", "the same on the socket calls, with threads that block",
          lambda folder: test_echo(folder, "socket_echo")),
         ("echo_libuv", "the same in a loop of libuv's, which ends in good order",
          lambda folder: test_echo(folder, "echo_libuv", True)),
         ("echo_libevent", "the same in a loop of libevent's, which ends in good order",
          lambda folder: test_echo(folder, "echo_libevent", True)),
         ("foreign_loop", "foreign_loop sends a megabyte to the kernel's TCP and prints what comes back",
          test_foreign_loop)]


def why_not():
    if not os.path.exists("/dev/net/tun"):
        return "no /dev/net/tun"
    probe = subprocess.run(["unshare", "-rn", "ip", "tuntap", "add", "tun0", "mode", "tun"], stderr=subprocess.PIPE,
                           text=True, check=False)
    return "no network namespace of our own: " + probe.stderr.strip() if probe.returncode != 0 else None


def main():
    tap = Tap()
    if sys.argv[1] != "--inside":
        reason = why_not()
        if reason is None:
            os.execvp("unshare", ["unshare", "-rn", sys.executable, __file__, "--inside", sys.argv[1]])
        for _, name, _ in TESTS:
            tap.skip(name, reason)
        return tap.done()
    setup()
    for program, name, test in TESTS:
        if not os.path.exists(os.path.join(sys.argv[2], program)):
            tap.skip(name, "not built: its library isn't here")
            continue
        try:
            notes = [] if test(sys.argv[2]) else ["what came back isn't what was sent"]
        except (OSError, subprocess.SubprocessError) as error:
            notes = [str(error)]
        tap.result(not notes, name, notes)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
