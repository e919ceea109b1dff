#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""inside.py SESSION: the kernel's side of run.py's sessions: clients of the stack at 10.77.0.2 and fd77::2.

Each result is a line, 'ok - name' or 'not ok - name: why'.
"""
import hashlib
import html
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

STACK = {4: "10.77.0.2", 6: "fd77::2"}
BIG = b"".join(i.to_bytes(4, "little") for i in range(250_000))
SMALL = b"0123456789"
SECONDS = 60


def expect(what, got, wanted):
    if got != wanted:
        shown = [repr(x) if len(repr(x)) < 200 else repr(x)[:200] + "..." for x in (got, wanted)]
        raise AssertionError(f"{what}: {shown[0]}, not {shown[1]}")


# ---- a client that is as exact, or as rude, as a test wants ----

class Client:
    def __init__(self, family=4, port=80):
        self.sock = socket.create_connection((STACK[family], port), timeout=SECONDS)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def more(self):
        part = self.sock.recv(1 << 16)
        self.rest += part
        return part

    def head(self):
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                raise AssertionError(f"closed after {self.rest!r}")
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        status = int(re.match(r"HTTP/1\.1 (\d{3}) \w", lines[0]).group(1))
        return status, {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}

    def answer(self, body=True):
        """(status, fields, body); interim answers are passed over."""
        status, fields = self.head()
        while status == 100:
            status, fields = self.head()
        size = int(fields.get("content-length", 0)) if body else 0
        while len(self.rest) < size:
            if not self.more():
                raise AssertionError(f"closed after {len(self.rest)} of {size} bytes")
        data, self.rest = self.rest[:size], self.rest[size:]
        return status, fields, data

    def closed(self):
        """Nothing more comes, and the end does."""
        while self.more():
            pass
        expect("after the last answer", self.rest, b"")


def ask(request, family=4, body=True):
    with Client(family) as client:
        client.send(request)
        return client.answer(body)


def get(path, *fields, method="GET", family=4):
    lines = [f"{method} {path} HTTP/1.1", "Host: stack", "Connection: close", *fields, "", ""]
    return ask("\r\n".join(lines).encode("latin-1"), family, method != "HEAD")


def put(path, data, *fields):
    lines = [f"PUT {path} HTTP/1.1", "Host: stack", "Connection: close", f"Content-Length: {len(data)}", *fields]
    return ask("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data)


# ---- sessions of serve ----

def whole_files():
    for family in (4, 6):
        status, fields, data = get("/big", family=family)
        expect("status", status, 200)
        expect("bytes", hashlib.sha256(data).digest(), hashlib.sha256(BIG).digest())
        expect("ranges", fields["accept-ranges"], "bytes")
        expect("an empty file", get("/empty", family=family)[2], b"")
    status, fields, _ = get("/big", method="HEAD")
    expect("HEAD", (status, fields["content-length"]), (200, str(len(BIG))))
    expect("a type", get("/small.txt")[1]["content-type"], "text/plain; charset=utf-8")


def ranges():
    for spec, status, wanted in [("bytes=0-0", 206, b"0"), ("bytes=2-4", 206, b"234"), ("bytes=7-", 206, b"789"),
                                 ("bytes=-3", 206, b"789"), ("bytes=-99", 206, SMALL), ("bytes=3-99", 206, b"3456789"),
                                 ("bytes=10-", 416, b""), ("bytes=-0", 416, b""), ("bytes=4-2", 200, SMALL),
                                 ("bytes=0-1,3-4", 200, SMALL), ("bytes=", 200, SMALL), ("lines=1-2", 200, SMALL),
                                 ("bytes=99999999999999999999-", 200, SMALL)]:
        got, fields, data = get("/small.txt", "Range: " + spec)
        expect(spec, (got, data), (status, wanted))
        if status == 416:
            expect(spec, fields["content-range"], "bytes */10")
    expect("where", get("/small.txt", "Range: bytes=-3")[1]["content-range"], "bytes 7-9/10")
    tag = get("/small.txt")[1]["etag"]
    expect("If-Range", get("/small.txt", "Range: bytes=-3", "If-Range: " + tag)[0], 206)
    expect("If-Range, changed", get("/small.txt", "Range: bytes=-3", 'If-Range: "other"')[0], 200)
    expect("If-None-Match", get("/small.txt", "If-None-Match: " + tag)[0], 304)
    expect("If-None-Match, changed", get("/small.txt", 'If-None-Match: "other"')[0], 200)


def folders():
    status, _, page = get("/folder/")
    names = [html.unescape(name) for name in re.findall(r'<li><a href="[^"]*">(.*?)</a>', page.decode())]
    expect("listing", (status, names), (200, ["../", "<&> %41.txt"]))
    link = re.findall(r'href="\./([^"]*)"', page.decode())[0]
    expect("its link", get("/folder/" + link)[2], b"odd")
    status, fields, _ = get("/folder")
    expect("without slash", (status, fields["location"]), (301, "/folder/"))
    expect("elsewhere", get("//folder")[1]["location"], "/folder/")
    expect("a file isn't a folder", get("/small.txt/")[0], 404)


def no_way_out():
    for path in ["/../etc/passwd", "/folder/../../etc/passwd", "/%2e%2e/etc/passwd", "/folder/%2E%2e/small.txt",
                 "/.."]:
        expect(path, get(path)[0], 403)
    for path in ["/out/passwd", "/passwd", "/out", "/out/", "/pipe", "/no/such", "/no", "/" + "n" * 300,
                 "/.tcpip-upload-0"]:
        expect(path, get(path)[0], 404)
    for path in ["/..%2fetc/passwd", "/%00", "/%", "/%4", "/%zz", "no-slash", "http://"]:
        expect(path, get(path)[0], 400)
    expect("upload through a link", put("/out/x", b"x")[0], 409)
    expect("upload over a link", put("/passwd", b"x")[0], 409)
    expect("upload outside", put("/../x", b"x")[0], 403)


def uploads():
    expect("new", put("/new", b"one")[0], 201)
    expect("replaced", put("/new", b"three")[0], 204)
    expect("read back", get("/new")[2], b"three")
    expect("empty", put("/new", b"")[0], 204)
    expect("a megabyte", put("/new", BIG)[0], 204)
    expect("read back", get("/new")[2] == BIG, True)
    for path in ("/", "/folder", "/folder/", "/no/such", "/new/x"):
        expect(path, put(path, b"x")[0], 409)
    expect("a part", put("/new", b"x", "Content-Range: bytes 0-0/5")[0], 400)
    expect("no length", ask(b"PUT /new HTTP/1.1\r\nHost: s\r\n\r\n")[0], 411)
    expect("too large", ask(b"PUT /new HTTP/1.1\r\nHost: s\r\nContent-Length: 3000000\r\n\r\n")[0], 413)
    absurd = b"PUT /new HTTP/1.1\r\nHost: s\r\nContent-Length: 99999999999999999999\r\n\r\n"
    expect("far too large", ask(absurd)[0], 413)
    expect("unharmed", get("/new")[2] == BIG, True)


CHUNKED = b"PUT /chunked HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked_uploads():
    body = b"5;a=b\r\nhello\r\n1\r\n \r\n0005 \r\nworld\r\n0\r\nTrailer: x\r\n\r\n"
    with Client() as client:
        for byte in CHUNKED + body:
            client.send(bytes([byte]))
        expect("byte by byte", client.answer()[0], 201)
        expect("read back", get("/chunked")[2], b"hello world")
        client.send(CHUNKED + body + CHUNKED + b"0\r\n\r\n" + b"GET /chunked HTTP/1.1\r\nHost: s\r\n\r\n")
        expect("two uploads and a download at once", [client.answer()[0] for _ in range(3)], [204, 204, 200])
    for bad in (b"x\r\n", b"-1\r\n", b"\r\n", b"5\r\nhello!\r\n", b"5\r\nhello\n", b"1\n", b"f" * 17 + b"\r\n",
                b"0\r\n" + b"t" * 5000):
        expect(bad[:20], ask(CHUNKED + bad)[0], 400)
    one = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    expect("too large by and by", ask(CHUNKED + one * 3)[0], 413)
    expect("unharmed", get("/chunked")[2], b"")


def expectations():
    with Client() as client:
        client.send(b"PUT /expected HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        expect("first", client.head()[0], 100)
        client.send(b"ok")
        expect("then", client.answer()[0], 201)
        client.send(b"PUT /folder HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        expect("not at all", client.head()[0], 409)
    expect("anything else", put("/expected", b"x", "Expect: wonders")[0], 417)


def unfinished_uploads():
    with Client() as client:
        client.send(b"PUT /unfinished HTTP/1.1\r\nHost: s\r\nContent-Length: 10\r\n\r\nhalf")
        expect("meanwhile", get("/unfinished")[0], 404)
        expect("nor in the listing", b"upload" in get("/")[2], False)
    for _ in range(100):
        if get("/unfinished")[0] == 404:
            break
    expect("afterwards", get("/unfinished")[0], 404)


def bad_requests():
    host = b"\r\nHost: s\r\n"
    for request, status in [
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            (b"GET / HTTP/1.1" + host + b" folded: x\r\n\r\n", 400),
            (b"GET / HTTP/1.1" + host + b"no colon\r\n\r\n", 400),
            (b"GET / HTTP/1.1" + host + b"a: b\rc\r\n\r\n", 400),
            (b"GET / HTTP/1.1" + host + b"a: b\0c\r\n\r\n", 400),
            (b"GET / HTTP/1.1" + host + b": b\r\n\r\n", 400),
            (b"GET  / HTTP/1.1" + host + b"\r\n", 400),
            (b"GET / HTTP/1.1 " + host + b"\r\n", 400),
            (b"GET /" + host + b"\r\n", 400),
            (b"GET / http/1.1" + host + b"\r\n", 400),
            (b"GET /a#b HTTP/1.1" + host + b"\r\n", 400),
            (b"G=T / HTTP/1.1" + host + b"\r\n", 400),
            (b"GET / HTTP/2.0" + host + b"\r\n", 505),
            (b"BREW / HTTP/1.1" + host + b"\r\n", 501),
            (b"get / HTTP/1.1" + host + b"\r\n", 501),
            (b"PUT /x HTTP/1.1" + host + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            (b"PUT /x HTTP/1.1" + host + b"Content-Length: +1\r\n\r\n", 400),
            (b"PUT /x HTTP/1.1" + host + b"Content-Length: 1, 1\r\n\r\n", 400),
            (b"PUT /x HTTP/1.1" + host + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            (b"PUT /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            (b"PUT /x HTTP/1.1" + host + b"Transfer-Encoding: gzip\r\n\r\n", 501),
            (b"GET /" + b"a" * 9000 + b" HTTP/1.1" + host + b"\r\n", 414),
            (b"GET / HTTP/1.1" + host + b"a: " + b"b" * 9000 + b"\r\n\r\n", 431),
            (b"GET / HTTP/1.1" + host + b"a: b\r\n" * 100 + b"\r\n", 431),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", 400),
    ]:
        with Client() as client:
            client.send(request)
            expect(request[:60], client.answer()[0], status)
            client.closed()


def other_methods():
    for method in ("POST", "DELETE", "CONNECT", "PATCH", "TRACE"):
        status, fields, _ = get("/small.txt", method=method)
        expect(method, (status, fields["allow"]), (405, "GET, HEAD, PUT, OPTIONS"))
    expect("OPTIONS", get("*", method="OPTIONS")[0], 204)
    expect("a body that means nothing", get("/small.txt", "Content-Length: 3")[2], SMALL)


def keep_alive():
    with Client() as client:
        for _ in range(5):
            client.send(b"GET /small.txt HTTP/1.1\r\nHost: s\r\n\r\n")
            expect("again", client.answer()[2], SMALL)
        client.send(b"GET http://stack/small.txt?x=y HTTP/1.1\nHost: s\n\n")
        expect("absolute target, bare LF", client.answer()[2], SMALL)
        client.send(b"HEAD /big HTTP/1.1\r\nHost: s\r\n\r\n")
        expect("HEAD", client.answer(body=False)[0], 200)
        client.send(b"\r\nGET /none HTTP/1.1\r\nHost: s\r\n\r\n")
        expect("not found", client.answer()[0], 404)
        client.send(b"GET /small.txt HTTP/1.1\r\nHost: s\r\nConnection: x, Close\r\n\r\n")
        expect("the last", client.answer()[1]["connection"], "close")
        client.closed()
    with Client() as client:
        client.send(b"GET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        expect("HTTP/1.0, kept", client.answer()[1]["connection"], "keep-alive")
        client.send(b"GET /small.txt HTTP/1.0\r\n\r\n")
        expect("HTTP/1.0", client.answer()[2], SMALL)
        client.closed()


def pipelining():
    requests, wanted = b"", []
    for i in range(200):
        spec = f"bytes={i}-{i * 1000 + 5}"
        requests += f"GET /big HTTP/1.1\r\nHost: s\r\nRange: {spec}\r\n\r\n".encode()
        wanted.append(BIG[i:i * 1000 + 6])
    with Client() as client:
        threading.Thread(target=client.send, args=(requests,), daemon=True).start()
        for i, data in enumerate(wanted):
            expect(f"answer {i}", client.answer()[2] == data, True)


def byte_by_byte():
    with Client() as client:
        for byte in b"GET /small.txt HTTP/1.1\r\nHost: s\r\n\r\n":
            client.send(bytes([byte]))
        expect("answer", client.answer()[2], SMALL)


def slow_reader():
    """The answer is much larger than what is read; then the client goes."""
    with Client() as client:
        client.send(b"GET /big HTTP/1.1\r\nHost: s\r\n\r\n" * 50)
        client.head()
    expect("others are served", get("/small.txt")[2], SMALL)


def many_at_once():
    failures = []

    def one(family):
        try:
            expect("bytes", get("/big", family=family)[2] == BIG, True)
        except (AssertionError, OSError) as why:
            failures.append(why)

    threads = [threading.Thread(target=one, args=(4 + 2 * (i % 2),)) for i in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect("failures", failures, [])


def transfer():
    for family in (4, 6):
        expect(f"download, IPv{family}", get("/big", family=family)[2] == BIG, True)
    expect("upload", put("/copy", BIG)[0] in (201, 204), True)
    expect("read back", get("/copy")[2] == BIG, True)


def refused_uploads():
    status, fields, _ = put("/x", b"x")
    expect("PUT", (status, fields["allow"]), (405, "GET, HEAD, OPTIONS"))


def idle_connections():
    with Client() as client:
        client.send(b"GET /small.txt HTTP/1.1\r\nHost: s\r\n\r\n")
        expect("answer", client.answer()[2], SMALL)
        client.closed()


# ---- curl ----

def curl(*arguments, stdin=b""):
    return subprocess.run(["curl", "-sS", "--max-time", str(SECONDS), *arguments], input=stdin, check=False,
                          capture_output=True)


def with_curl():
    if shutil.which("curl") is None:
        return
    code = ["-w", "%{http_code}", "-o", "/dev/null"]
    for host in ("10.77.0.2", "[fd77::2]"):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "file")
            expect("download", curl("-o", file, f"http://{host}/big").returncode, 0)
            with open(file, "rb") as data:
                expect("the same", data.read() == BIG, True)
            with open(file, "wb") as data:
                data.write(BIG[:1000])
            curl("-C", "-", "-o", file, f"http://{host}/big")
            with open(file, "rb") as data:
                expect("resumed", data.read() == BIG, True)
            expect("upload", curl("-T", file, *code, f"http://{host}/curl").stdout in (b"201", b"204"), True)
            expect("upload of unknown length", curl("-T", "-", *code, f"http://{host}/curl", stdin=BIG).stdout, b"204")
            expect("read back", curl(f"http://{host}/curl").stdout == BIG, True)
    expect("one connection", curl("-w", "%{num_connects}", *["http://10.77.0.2/empty"] * 3).stdout, b"100")
    expect("traversal", curl("--path-as-is", *code, "http://10.77.0.2/../etc/passwd").stdout, b"403")


# ---- echo ----

def echo():
    for family in (4, 6):
        with Client(family, 7777) as client:
            thread = threading.Thread(target=lambda: (client.send(BIG), client.sock.shutdown(socket.SHUT_WR)))
            thread.start()
            while client.more():
                pass
            thread.join()
            expect("echo", client.rest == BIG, True)


def rude_echo():
    for _ in range(20):
        client = Client(4, 7777)
        client.send(BIG[:100_000])
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sock.close()
    echo()


def digest():
    """Not a session: the server that `tcpip connect` calls; it says how much it got, and its digest."""
    listener = socket.create_server(("::", 7000), family=socket.AF_INET6, dualstack_ipv6=True)
    sock, _ = listener.accept()
    data = b""
    while part := sock.recv(1 << 16):
        data += part
    sock.sendall(f"{len(data)} {hashlib.sha256(data).hexdigest()}\n".encode())
    sock.close()


SESSIONS = {
    "serve": [("whole files, in both families", whole_files), ("one range at a time", ranges),
              ("folders are listed", folders), ("no path leads outside", no_way_out), ("uploads", uploads),
              ("chunked uploads", chunked_uploads), ("100-continue", expectations),
              ("an unfinished upload leaves nothing", unfinished_uploads), ("bad requests are told so", bad_requests),
              ("other methods", other_methods), ("a connection is used again", keep_alive),
              ("requests ahead of answers", pipelining), ("a request byte by byte", byte_by_byte),
              ("a client that doesn't read and goes", slow_reader), ("64 connections at once", many_at_once)],
    "curl": [("curl downloads, resumes, uploads", with_curl)],
    "read-only": [("uploads are refused", refused_uploads)],
    "idle": [("an idle connection is closed", idle_connections)],
    "transfer": [("download and upload", transfer)],
    "echo": [("a megabyte, in both families", echo), ("after connections that were reset", rude_echo)],
}


def main():
    if sys.argv[1] == "digest":
        digest()
        return
    for name, function in SESSIONS[sys.argv[1]]:
        try:
            function()
            print(f"ok - {name}", flush=True)
        except (AssertionError, OSError, KeyError, IndexError, AttributeError, ValueError) as why:
            print(f"not ok - {name}: {type(why).__name__} {why}".replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
