#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples.py BUILD_FOLDER: the examples that need a TUN do what they say, in a network namespace of their own.

Speaks TAP. Without the right to make a namespace, or without /dev/net/tun, the tests are skipped and say why.
"""
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
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


# ---- migrate: a stream goes on while the server's process is replaced twice ----

MOVED_BYTES, MOVES = 30_000_000, (5_000_000, 15_000_000)


def moved(programs, path, program):
    """One more process, which takes everything over from the last."""
    programs.append(subprocess.Popen([program, path]))
    if programs[-2].wait(SECONDS) != 0:
        raise OSError("the process that gave its connections away ended with %d" % programs[-2].returncode)


def test_migrate(folder):
    sent, got, size, moves = hashlib.sha256(), hashlib.sha256(), 0, list(MOVES)
    program = os.path.join(folder, "migrate")
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "door")
        programs = [subprocess.Popen([program, path])]
        try:
            with connected(("10.1.0.2", 7), programs[0]) as idle, connected(("10.1.0.2", 7), programs[0]) as sock:
                sock.settimeout(SECONDS)

                def send():
                    send_blocks(sock, MOVED_BYTES, sent)
                    sock.shutdown(socket.SHUT_WR)
                thread = threading.Thread(target=send, daemon=True)
                thread.start()
                while piece := sock.recv(65536):
                    got.update(piece)
                    size += len(piece)
                    if moves and size > moves[0]:
                        moves.pop(0)
                        moved(programs, path, program)
                thread.join(SECONDS)
                idle.sendall(DATA[:1000])
                return not moves and size == MOVED_BYTES and got.digest() == sent.digest() and \
                    idle.recv(1000, socket.MSG_WAITALL) == DATA[:1000]
        finally:
            for process in programs:
                process.kill()
                process.wait()


# ---- accept_after_dial: its TUN is moved to a namespace of its own, whose default route leads into it ----

DIALLED, BYTES, FLOWS = "10.9.0.1", 50_000_000, 200
REFUSED_PORT, ECHO_PORT, SINK_PORT, SOURCE_PORT = 8000, 8001, 8002, 8003
UNREACHABLE = "10.9.9.9"


def block(seed):
    return hashlib.sha256(b"%d" % seed).digest() * 2048


def checksum(sock):
    digest, size = hashlib.sha256(), 0
    while piece := sock.recv(65536):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def send_blocks(sock, size, digest=None):
    for seed in range(size // 65536 + 1):
        piece = block(seed)[:size - seed * 65536]
        sock.sendall(piece)
        if digest is not None:
            digest.update(piece)


def serve(port, handle):
    """Servers at DIALLED, a thread for each connection."""
    listener = socket.create_server((DIALLED, port), backlog=FLOWS)

    def accept():
        while True:
            sock, _ = listener.accept()

            def run(sock=sock):
                with sock:
                    handle(sock)
            threading.Thread(target=run, daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()


def serve_echo(sock):
    while piece := sock.recv(65536):
        sock.sendall(piece)


def serve_sink(sock):
    """Tells what came only after its end: the way back outlives the other."""
    sock.sendall(("%s %d" % checksum(sock)).encode())


def serve_source(sock):
    """Sends, ends, and then hears from the client how it was."""
    digest = hashlib.sha256()
    send_blocks(sock, BYTES, digest)
    sock.shutdown(socket.SHUT_WR)
    if sock.recv(200) != digest.hexdigest().encode():
        print("# the download differs", flush=True)
        os._exit(1)


def expect_error(address, *errors):
    try:
        socket.create_connection(address, SECONDS).close()
    except OSError as error:
        if error.errno in errors:
            return
        raise
    raise OSError("%s:%d answered" % address)


def client():
    """In the TUN's namespace."""
    refused, unreachable = 111, 113
    expect_error((DIALLED, REFUSED_PORT), refused)
    expect_error((UNREACHABLE, ECHO_PORT), unreachable)
    with socket.create_connection((DIALLED, SINK_PORT), SECONDS) as sock:
        digest = hashlib.sha256()
        send_blocks(sock, BYTES, digest)
        sock.shutdown(socket.SHUT_WR)
        if sock.recv(200).decode() != "%s %d" % (digest.hexdigest(), BYTES):
            raise OSError("the upload differs")
    with socket.create_connection((DIALLED, SOURCE_PORT), SECONDS) as sock:
        got, size = checksum(sock)
        if size != BYTES:
            raise OSError("the download has %d bytes" % size)
        sock.sendall(got.encode())
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)
    wrong = []

    def one(seed):
        try:
            with socket.create_connection((DIALLED, ECHO_PORT), SECONDS) as sock:
                data = block(seed)[:20_000 + seed]
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                got = b""
                while piece := sock.recv(65536):
                    got += piece
                if got != data:
                    wrong.append(seed)
        except OSError as error:
            wrong.append(error)
    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(FLOWS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    if wrong:
        raise OSError("%d of %d flows failed: %s" % (len(wrong), FLOWS, wrong[0]))
    return 0


def test_accept_after_dial(folder):
    for command in ("ip link set lo up", "ip addr add 10.9.0.1/16 dev lo",
                    "ip route add unreachable " + UNREACHABLE):
        subprocess.run(command.split(), check=True)
    serve(ECHO_PORT, serve_echo)
    serve(SINK_PORT, serve_sink)
    serve(SOURCE_PORT, serve_source)
    with subprocess.Popen([os.path.join(folder, "accept_after_dial")]) as program, \
            subprocess.Popen(["unshare", "-n", "sleep", "1000"]) as other:
        try:
            inside = ["nsenter", "-t", str(other.pid), "-n"]
            deadline = time.monotonic() + SECONDS
            while os.readlink("/proc/%d/ns/net" % other.pid) == os.readlink("/proc/self/ns/net") or \
                    subprocess.run(["ip", "link", "show", "up", "dev", "tun0"], stdout=subprocess.PIPE,
                                   check=True).stdout.find(b"LOWER_UP") < 0:
                if program.poll() is not None or time.monotonic() > deadline:
                    raise OSError("no TUN")
                time.sleep(0.02)
            for command in (["ip", "link", "set", "tun0", "netns", str(other.pid)],
                            inside + "ip addr add 10.1.0.1/24 dev tun0".split(),
                            inside + "ip link set tun0 up".split(), inside + "ip route add default dev tun0".split()):
                subprocess.run(command, check=True)
            run = subprocess.run(inside + [sys.executable, __file__, "--client"], timeout=2 * SECONDS, check=False,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if run.returncode != 0:
                raise OSError(run.stdout.strip().split("\n")[-1])
            return program.poll() is None
        finally:
            program.kill()
            other.kill()


TESTS = [("echo", "echo gives a megabyte back to the kernel's TCP", test_echo),
         ("socket_echo", "the same on the socket calls, with threads that block",
          lambda folder: test_echo(folder, "socket_echo")),
         ("echo_libuv", "the same in a loop of libuv's, which ends in good order",
          lambda folder: test_echo(folder, "echo_libuv", True)),
         ("echo_libevent", "the same in a loop of libevent's, which ends in good order",
          lambda folder: test_echo(folder, "echo_libevent", True)),
         ("foreign_loop", "foreign_loop sends a megabyte to the kernel's TCP and prints what comes back",
          test_foreign_loop),
         ("migrate", "migrate hands its connections to another process twice, in the middle of 30 MB", test_migrate),
         # last: it takes the TUN away
         ("accept_after_dial",
          "accept_after_dial refuses as the destination does, carries 50 MB each way, and 200 flows at once",
          test_accept_after_dial)]


def why_not():
    if not os.path.exists("/dev/net/tun"):
        return "no /dev/net/tun"
    probe = subprocess.run(["unshare", "-rn", "ip", "tuntap", "add", "tun0", "mode", "tun"], stderr=subprocess.PIPE,
                           text=True, check=False)
    return "no network namespace of our own: " + probe.stderr.strip() if probe.returncode != 0 else None


def main():
    tap = Tap()
    if sys.argv[1] == "--client":
        return client()
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
