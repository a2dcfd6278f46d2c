"""A Git server over real HTTPS: `git http-backend` behind a certificate that nobody has signed but ourselves."""

import os
import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Backend(BaseHTTPRequestHandler):
    """The CGI of git's own program. `root`: the folder with the repositories; `asked`: the paths that came."""

    root: Path
    asked: list[str]

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.asked.append(path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        answer = subprocess.run(
            ["git", "http-backend"], input=body, env={**os.environ, **told}, check=False, capture_output=True
        ).stdout
        head, _, data = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that does not trust us hangs up: that is what is tested."""


def certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) of 127.0.0.1."""
    made, key = folder / "ours.pem", folder / "ours.key"
    subprocess.run(
        (
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)),
        ),
        check=True,
        capture_output=True,
    )
    return made, key


@contextmanager
def git_server(root: Path, files: tuple[Path, Path]):
    """(HOST:PORT, the paths that were asked for) of a server of the repositories in a folder."""
    asked: list[str] = []
    server = _Quiet(("127.0.0.1", 0), type("Backend", (_Backend,), {"root": root, "asked": asked}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
