#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py TCPIP [--only SUBSTRING]: the command-line tool, used as people use it. Speaks TAP.

Sessions are command lines with --netns: the tool makes a namespace and runs this file in it, on the kernel's side
(--inside SESSION), whose results come out here. So the tests need no privilege where user namespaces are allowed, and
every session also tests that the tool ends well: with its program's status, silently, without leaks in a build that
looks for them. Where namespaces can't be had, that part is skipped and says so.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True # a check leaves nothing in the tree
from inside import SESSIONS as INSIDE

HERE = os.path.abspath(__file__)
SECONDS = 240 # bounds waits that end when what is awaited comes; far above what a busy machine takes


class Failure(Exception):
    pass


def expect(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what}: {got!r}, not {wanted!r}")


def run(*arguments, stdin=b"", seconds=SECONDS):
    return subprocess.run([TOOL, *arguments], input=stdin, capture_output=True, timeout=seconds, check=False)


def finish(process):
    """What a process says until its end, which is awaited for SECONDS."""
    try:
        return process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def text(raw):
    return raw.decode(errors="replace")


# ---- command lines ----

BAD = [
    [],
    [""],
    ["nonsense"],
    ["help", "nonsense"],
    ["serve"],
    ["serve", "."],
    ["serve", ".", "again", "--netns"],
    ["serve", ".", "--tun"],
    ["serve", ".", "--netns", "--tun", "t0"],
    ["serve", ".", "--netns", "--tap", "t0"],
    ["serve", ".", "--tun", "t0"],
    ["serve", ".", "--netns=bridge"],
    ["serve", ".", "--netns", "--mtu", "67"],
    ["serve", ".", "--netns", "--mtu", "65536"],
    ["serve", ".", "--netns", "--mtu", "1500x"],
    ["serve", ".", "--netns", "--mtu", "-1"],
    ["serve", ".", "--netns", "--mtu", ""],
    ["serve", ".", "--netns", "--mtu", "1000", "--address", "fd77::2/64", "--host-address", "fd77::1/64"],
    ["serve", ".", "--netns", "--address", "10.0.0.2/24"],
    ["serve", ".", "--netns", "--host-address", "10.0.0.2/24"],
    ["serve", ".", "--tun", "t0", "--address", "10.0.0.2"],
    ["serve", ".", "--tun", "t0", "--address", "10.0.0.2/33"],
    ["serve", ".", "--tun", "t0", "--address", "10.0.0.2/24", "--gateway", "fe80::1"],
    ["serve", ".", "--tun", "t0", "--address", "10.0.0.2/24", "--", "true"],
    ["serve", ".", "--tun", "t0", *["--address", "10.0.0.2/24"] * 9],
    ["serve", ".", "--netns", "--"],
    ["serve", ".", "--netns", "--listen", "0"],
    ["serve", ".", "--netns", "--listen", "65536"],
    ["serve", ".", "--netns", "--listen"],
    ["serve", ".", "--netns", "--listen", "--", "true"],
    ["serve", ".", "--netns", "--max-upload", "1x"],
    ["serve", ".", "--netns", "--timeout", "20"],
    ["serve", ".", "--netns", "--stats=xml"],
    ["serve", ".", "--netns", "--trace=on"],
    ["serve", ".", "--netns", "--tiny", "--server"],
    ["serve", ".", "--netns", "-x"],
    ["serve", ".", "--netns", "--no\nsuch"],
    ["serve", ".", "--netns", "--mtu", "1\n2"],
    ["serve", ".", "--netns", "--fault", ""],
    ["serve", ".", "--netns", "--fault", "loss"],
    ["serve", ".", "--netns", "--fault", "loss=2"],
    ["serve", ".", "--netns", "--fault", "loss=101%"],
    ["serve", ".", "--netns", "--fault", "luck=1%"],
    ["serve", ".", "--netns", "--fault", "delay=20"],
    ["serve", ".", "--netns", "--fault", "rate=0"],
    ["serve", ".", "--netns", "--fault", "loss=1%,"],
    ["serve", ".", "--netns", "--fault", "x" * 1000],
    ["echo", "what", "--netns"],
    ["echo", "--netns", "--read-only"],
    ["connect", "--netns", "10.77.0.1"],
    ["connect", "--netns", "10.77.0.1", "0"],
    ["connect", "--netns", "10.77.0.1", "http"],
    ["connect", "--netns", "ten", "80"],
    ["connect", "--netns", "10.77.0.1", "80", "--wait", "1"],
    ["ping", "--netns"],
    ["ping", "--netns", "10.77.0"],
    ["ping", "--netns", "ten\nlines"],
    ["ping", "--netns", "10.77.0.1", "--count", "0"],
    ["ping", "--netns", "10.77.0.1", "--size", "65001"],
]


def bad_command_lines():
    for arguments in BAD:
        done = run(*arguments)
        told = text(done.stderr)
        if done.returncode != 2 or done.stdout or told.count("\n") != 1 or not re.match(r"tcpip( \w+)?: ", told):
            raise Failure(f"{arguments}: status {done.returncode}, {told!r}, {text(done.stdout)!r}")


def helps():
    pages = [[], ["serve"], ["echo"], ["connect"], ["ping"]]
    for page in pages:
        done = run(*page, "--help")
        expect(f"{page} --help", (done.returncode, text(done.stderr)), (0, ""))
        lines = text(done.stdout).splitlines()
        if not any(re.match(r"  (.*\| )?tcpip ", line) for line in lines[:4]):
            raise Failure(f"{page} --help doesn't begin with examples")
        if max(map(len, lines)) > 112:
            raise Failure(f"{page} --help has a line of {max(map(len, lines))} columns")
        expect(f"help {page}", run("help", *page).stdout, done.stdout)
    if not text(run("--version").stdout).startswith("tcpip "):
        raise Failure("--version says nothing")


def two_stacks():
    with tempfile.TemporaryDirectory() as folder:
        done = run("demo-pipe", "3000000", "100000", os.path.join(folder, "capture"))
        expect("status", (done.returncode, text(done.stderr)), (0, ""))
        rows = [line.split("\t") for line in text(done.stdout).splitlines()]
        expect("bytes", [row[1] for row in rows], ["3000000", "3000000", "100000", "10000"])
        # Nothing is lost; but a machine that stands still for milliseconds makes a tail loss probe of what is out.
        expect("losses", [int(row[3]) > 4 for row in rows[:2]], [False, False])


OUTSIDE = [("two stacks joined by a pipe carry what demo.sh shows without a TUN", two_stacks),
           ("a bad command line is answered with one line and status 2", bad_command_lines),
           ("help begins with examples, and says the same in both ways of asking", helps)]


# ---- sessions ----

def session(name, arguments, stdin=b""):
    """Runs the tool with the part of inside.py called `name` as its program; yields (ok, what, why)."""
    program = [sys.executable, os.path.join(os.path.dirname(HERE), "inside.py"), name]
    done = run(*arguments, "--", *program, stdin=stdin)
    results = re.findall(r"^(ok|not ok) - ([^\n:]*)(?:: (.*))?$", text(done.stdout), re.M)
    for verdict, what, why in results:
        yield verdict == "ok", what, why
    ended = f"status {done.returncode}, said {text(done.stderr)[-1500:]!r}"
    well = done.returncode == 0 and not done.stderr and len(results) == len(INSIDE[name])
    yield well, "and the tool ends well", ended


def transfers(folder):
    """The same downloads and uploads under other conditions."""
    for name, options in [
            ("Ethernet", ["--netns=tap"]),
            ("no offload", ["--netns", "--no-offload"]),
            ("an MTU of 9000", ["--netns", "--mtu", "9000"]),
            ("an MTU of 1280 and Reno", ["--netns", "--mtu", "1280", "--congestion", "reno"]),
            ("a stack of 5 MB", ["--netns", "--tiny"]),
            ("limits of a server", ["--netns", "--server"]),
            ("2 % loss, 2 ms delay, reordering", ["--netns", "--fault", "loss=2%,delay=2ms,reorder=1%,dup=1%,seed=7"]),
            ("other addresses", ["--netns", "--address", "10.77.0.2/30", "--host-address", "10.77.0.1/30",
                                 "--address", "fd77::2/126", "--host-address", "fd77::1/126"])]:
        yield name, session("transfer", ["serve", folder, *options])


def ping_the_kernel():
    for address in ("10.77.0.1", "fd77::1"):
        for link in ("--netns", "--netns=tap"):
            done = run("ping", link, "--count", "3", "--interval", "20ms", "--timeout", "30s", address)
            if done.returncode != 0 or "3 sent, 3 received, 0% lost" not in text(done.stdout):
                raise Failure(f"{link} {address}: {done.returncode} {text(done.stdout + done.stderr)}")
    done = run("ping", "--netns", "--count", "1", "--size", "5000", "--timeout", "30s", "10.77.0.1")
    expect("fragments", (done.returncode, "5008 bytes from 10.77.0.1" in text(done.stdout)), (0, True))
    done = run("ping", "--netns", "--count", "2", "--interval", "20ms", "--timeout", "100ms", "10.77.0.9")
    expect("nobody there", (done.returncode, "2 sent, 0 received, 100% lost" in text(done.stdout)), (1, True))


def connect(stdin, *arguments):
    """`tcpip connect` to the digest server inside.py, which says what it got."""
    inside = os.path.join(os.path.dirname(HERE), "inside.py")
    command = [TOOL, "connect", "--wait", "60s", *arguments, "7000", "--", sys.executable, inside, "digest"]
    with subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, err = finish(process)
        return process.returncode, text(out), text(err)


def connect_to_the_kernel():
    import hashlib
    data = bytes(range(256)) * 10000
    wanted = (0, f"{len(data)} {hashlib.sha256(data).hexdigest()}\n", "")
    for address in ("10.77.0.1", "fd77::1"):
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            expect(f"a file to {address}", connect(file, "--netns", address), wanted)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(data)
        os._exit(0)
    os.close(writer)
    got = connect(reader, "--netns", "--fault", "loss=1%,delay=1ms", "10.77.0.1")
    os.close(reader)
    os.wait()
    expect("a pipe, over a bad line", got, wanted)


def connect_refused():
    done = run("connect", "--netns", "10.77.0.1", "7001")
    expect("refused", (done.returncode, text(done.stderr)),
           (1, "tcpip connect: cannot connect to 10.77.0.1:7001: connection was refused\n"))


def statuses():
    for command, status in [(["sh", "-c", "exit 7"], 7), (["true"], 0), (["sh", "-c", "kill -9 $$"], 137)]:
        expect(command, run("echo", "--netns", "--", *command).returncode, status)
    done = run("echo", "--netns", "--", "/no/such/program")
    expect("a program that isn't there", (done.returncode, text(done.stderr).count("\n")), (127, 1))
    done = run("echo", "--netns", "--congestion", "magic", "--", "true")
    expect("an unknown controller", (done.returncode, text(done.stderr).count("\n")), (2, 1))
    done = run("serve", "/no/such/folder", "--netns", "--", "true")
    expect("a folder that isn't there", (done.returncode, text(done.stderr).count("\n")), (1, 1))


def signals():
    for number in (signal.SIGINT, signal.SIGTERM):
        with tempfile.TemporaryDirectory() as folder:
            capture = os.path.join(folder, "capture")
            command = [TOOL, "echo", "--netns", "--stats=json", "--pcap", capture]
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as process:
                deadline = time.monotonic() + SECONDS
                while not blocked_signals(process.pid) and time.monotonic() < deadline:
                    time.sleep(0.01)
                process.send_signal(number)
                out, err = finish(process)
            expect("ended by a signal", (process.returncode, text(out)), (0, ""))
            if "tcp" not in json.loads(text(err)) and "memory" not in json.loads(text(err)):
                raise Failure(f"no counters: {text(err)}")


def interface_gone():
    if shutil.which("ip") is None:
        return
    done = run("echo", "--netns", "--", "sh", "-c", f"ip link delete tun0; exec sleep {2 * SECONDS}")
    expect("the end", (done.returncode, text(done.stderr)),
           (1, "tcpip echo: the interface tun0 is gone: link is down\n"))


def blocked_signals(pid):
    """Has it come so far that signals are waited for?"""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        mask = int(re.search(r"^SigBlk:\s*(\w+)", status.read(), re.M).group(1), 16)
    return mask & 1 << (signal.SIGTERM - 1)


def seen():
    """--pcap, --stats, --stats-to, --trace."""
    with tempfile.TemporaryDirectory() as folder:
        capture, counters = os.path.join(folder, "capture"), os.path.join(folder, "counters")
        done = run("ping", "--netns", "--count", "1", "--pcap", capture, "--stats=json", "--stats-to", counters,
                   "--trace", "--timeout", "30s", "10.77.0.1")
        expect("status", done.returncode, 0)
        with open(counters, encoding="utf-8") as file:
            expect("counters", json.load(file)["icmpv4"]["echo_reply_received"], 1)
        if "ICMP" not in text(done.stderr):
            raise Failure(f"the trace shows no ICMP: {text(done.stderr)!r}")
        with open(capture, "rb") as file:
            expect("pcapng", file.read(4), b"\x0a\x0d\x0d\x0a")
        if shutil.which("tshark"):
            out = subprocess.run(["tshark", "-n", "-r", capture, "-Y", "icmp", "-T", "fields", "-e", "icmp.type"],
                                 capture_output=True, text=True, timeout=SECONDS, check=False)
            expect("what tshark reads", out.stdout.split(), ["8", "0"])


NETNS = [("ping reaches the kernel, in both families, over TUN and TAP", ping_the_kernel),
         ("connect carries its input to the kernel and the answer back", connect_to_the_kernel),
         ("connect says that it was refused", connect_refused),
         ("the status is that of the program", statuses),
         ("a signal ends the tool as its command's end does", signals),
         ("an interface that is deleted ends the tool", interface_gone),
         ("capture, counters and trace are written", seen)]


# ---- all of it ----

class Tap:
    def __init__(self, only):
        self.only, self.count, self.failed = only, 0, 0

    def result(self, good, name, why):
        if self.only not in name:
            return
        self.count += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good:
            self.failed += 1
            for line in str(why).splitlines():
                print(f"# {line}")
            print(f"# repeat: python3 {os.path.relpath(HERE)} {TOOL} --only '{name.split(': ')[0]}'")
        sys.stdout.flush()

    def function(self, name, function):
        if self.only not in name:
            return
        try:
            function()
            self.result(True, name, None)
        except (Failure, OSError, ValueError, KeyError, subprocess.SubprocessError) as why:
            self.result(False, name, f"{type(why).__name__}: {why}")

    def session(self, name, results):
        if self.only not in name:
            return
        try:
            for good, what, why in results:
                self.result(good, f"{name}: {what}", why)
        except subprocess.SubprocessError as why:
            self.result(False, name, why)


def why_no_namespace():
    done = run("echo", "--netns", "--", "true")
    return None if done.returncode == 0 else text(done.stderr).strip()


def make_tree(folder):
    """What the sessions expect to find."""
    with open(os.path.join(folder, "big"), "wb") as file:
        file.write(b"".join(i.to_bytes(4, "little") for i in range(250_000)))
    with open(os.path.join(folder, "small.txt"), "w", encoding="utf-8") as file:
        file.write("0123456789")
    os.mkdir(os.path.join(folder, "folder"))
    with open(os.path.join(folder, "folder", "<&> %41.txt"), "w", encoding="utf-8") as file:
        file.write("odd")
    open(os.path.join(folder, "empty"), "wb").close()
    os.symlink("/etc", os.path.join(folder, "out"))
    os.symlink("/etc/passwd", os.path.join(folder, "passwd"))
    os.mkfifo(os.path.join(folder, "pipe"))


def namespaces(tap):
    for name, function in NETNS:
        tap.function(name, function)
    with tempfile.TemporaryDirectory() as folder:
        make_tree(folder)
        tap.session("serve", session("serve", ["serve", folder, "--netns", "--max-upload", "2m"]))
        tap.session("curl", session("curl", ["serve", folder, "--netns"]))
        tap.session("read-only", session("read-only", ["serve", folder, "--netns", "--read-only"]))
        tap.session("idle", session("idle", ["serve", folder, "--netns", "--timeout", "2s"]))
        for name, results in transfers(folder):
            tap.session(f"transfer, {name}", results)
        left = [name for _, _, names in os.walk(folder) for name in names if name.startswith(".tcpip")]
        tap.result(not left, "no upload has left a part behind", left)
    tap.session("echo", session("echo", ["echo", "--netns", "--listen", "7777"]))
    tap.session("echo, a stack of 5 MB", session("echo", ["echo", "--netns", "--listen", "7777", "--tiny"]))


def main():
    global TOOL
    TOOL = os.path.abspath(sys.argv[1])
    tap = Tap(sys.argv[3] if sys.argv[2:3] == ["--only"] else "")
    for name, function in OUTSIDE:
        tap.function(name, function)
    why = why_no_namespace()
    if why is None:
        namespaces(tap)
    else:
        tap.count += 1
        print(f"ok {tap.count} - the tool in a namespace # SKIP {why}")
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
