"""A student of the trial: what a browser with JupyterLab says to a hub, over HTTP and a websocket."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import nbformat
import psutil
import requests
import websocket
from nbformat import NotebookNode

from course.run import peak_memory

SILENCE = 60  # seconds without a word of a kernel, after which its server is asked


class KernelDiedError(Exception):
    """The kernel was restarted or is gone while a cell ran."""


@dataclass
class Kernel:
    """A kernel behind the hub, and the socket to it.

    Attributes:
        address: of the hub's student, "http://…/user/NAME".
        key: the student's token.
        name: the kernel's.
        session: names this browser, so that the server keeps for it what a kernel says while the line is cut.
        socket: to the kernel; None before the first.
        cuts: how often it was cut and opened again.
    """

    address: str
    key: str
    name: str
    session: str = field(default_factory=lambda: uuid.uuid4().hex)
    socket: websocket.WebSocket | None = None
    cuts: int = 0

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.key}"}

    def is_idle(self) -> bool:
        """Whether the server says that nothing is running."""
        answer = requests.get(f"{self.address}/api/kernels/{self.name}", headers=self.headers, timeout=120)
        return answer.json().get("execution_state") == "idle"

    def connect(self) -> None:
        """Open the socket, anew if there is one."""
        if self.socket:
            self.socket.close()
        url = f"{self.address.replace('http', 'ws', 1)}/api/kernels/{self.name}/channels?session_id={self.session}"
        self.socket = websocket.create_connection(url, header=self.headers, timeout=SILENCE)

    def connect_again(self) -> None:
        """Open a socket that was cut, as JupyterLab does, as soon as there is a way; the server has kept what came.

        Raises:
            TimeoutError: there is no way for two minutes.
        """
        for _ in range(60):
            time.sleep(2)
            try:
                self.connect()
                self.cuts += 1
                return
            except (OSError, websocket.WebSocketException):
                continue
        raise TimeoutError("the hub cannot be reached")

    def ask(self, code: str) -> str:
        """Send a cell: the request's name."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": self.session}
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self.socket.send(json.dumps(message))
        return header["msg_id"]

    def messages(self) -> Iterator[dict[str, Any]]:
        """What comes over the socket.

        Raises:
            KernelDiedError: the kernel has died.
        """
        while True:
            try:
                text = self.socket.recv()
            except websocket.WebSocketTimeoutException:
                if self.is_idle():
                    raise KernelDiedError("the kernel is idle, and its last message has not come") from None
                continue
            except (websocket.WebSocketConnectionClosedException, ConnectionError):
                self.connect_again()
                continue
            if not text:
                raise KernelDiedError("the socket was closed")
            if isinstance(text, bytes):  # pictures of widgets, which nobody sees here
                continue
            message = json.loads(text)
            if message["content"].get("execution_state") in ("restarting", "autorestarting", "dead"):
                raise KernelDiedError(message["content"]["execution_state"])
            yield message

    def outputs(self, asked: str) -> list[NotebookNode]:
        """The outputs of a cell, when it has ended."""
        found = []
        for message in self.messages():
            if message["parent_header"].get("msg_id") != asked or message["channel"] != "iopub":
                continue
            if message["content"].get("execution_state") == "idle":
                return found
            if message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
                message["content"].pop("transient", None)
                found.append(nbformat.v4.output_from_msg(message))
        return found

    def run(self, code: str) -> list[NotebookNode]:
        """Run a cell: its outputs."""
        return self.outputs(self.ask(code))

    def says(self, code: str) -> str:
        """Run a cell: what it prints, or the error's name and words."""
        shown = [output.get("text") or f"{output.get('ename')}: {output.get('evalue')}" for output in self.run(code)]
        return "".join(shown).strip()


@dataclass
class Student:
    """Somebody who logs in by the form, as in a browser."""

    hub: str
    name: str
    key: str = ""
    kernels: list[Kernel] = field(default_factory=list)
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def address(self) -> str:
        return f"{self.hub}/user/{self.name}"

    def call(self, method: str, where: str, *, wait: float = 120, **body: Any) -> requests.Response:
        """Ask the hub or the student's server, as the student."""
        headers = {"Authorization": f"token {self.key}"}
        return requests.request(method, f"{self.hub}/{where}", headers=headers, json=body or None, timeout=wait)

    def log_in(self) -> None:
        """Fill in the form, and get a token with the student's own rights."""
        self.session.get(f"{self.hub}/hub/login", timeout=60)
        form = {"username": self.name, "password": "any", "_xsrf": self.session.cookies.get("_xsrf", path="/hub/")}
        self.session.post(f"{self.hub}/hub/login", data=form, allow_redirects=False, timeout=60).raise_for_status()
        xsrf = {"X-XSRFToken": self.session.cookies.get("_xsrf", path="/hub/")}
        made = self.session.post(f"{self.hub}/hub/api/users/{self.name}/tokens", headers=xsrf, json={}, timeout=60)
        made.raise_for_status()
        self.key = made.json()["token"]

    def state(self) -> dict[str, Any]:
        """What the hub says of the student's server; empty if there is none."""
        return self.call("GET", f"hub/api/users/{self.name}").json()["servers"].get("", {})

    def start(self) -> float:
        """Start the server and wait until it answers: the seconds."""
        began = time.monotonic()
        self.call("POST", f"hub/api/users/{self.name}/server")
        while not self.state().get("ready"):
            if time.monotonic() - began > 300:
                raise TimeoutError(f"{self.name}'s server does not start")
            time.sleep(0.5)
        self.call("GET", f"user/{self.name}/api/status").raise_for_status()
        return time.monotonic() - began

    def stop(self) -> None:
        """Stop the server and wait until it is gone."""
        self.kernels.clear()
        self.call("DELETE", f"hub/api/users/{self.name}/server")
        while self.state():
            time.sleep(0.5)

    def contents(self, path: str) -> str:
        return f"user/{self.name}/api/contents/{quote(path)}"

    def open(self, path: str) -> NotebookNode:
        """Read a notebook from the server."""
        answer = self.call("GET", self.contents(path))
        answer.raise_for_status()
        return nbformat.from_dict(answer.json()["content"])

    def save(self, path: str, notebook: NotebookNode) -> requests.Response:
        """Save a notebook as JupyterLab does."""
        return self.call("PUT", self.contents(path), type="notebook", format="json", content=notebook)

    def kernel(self, path: str) -> Kernel:
        """Start a notebook's kernel and connect to it."""
        asked = {"path": path, "name": "", "type": "notebook", "kernel": {"name": "python3"}}
        answer = self.call("POST", f"user/{self.name}/api/sessions", **asked)
        answer.raise_for_status()
        kernel = Kernel(self.address, self.key, answer.json()["kernel"]["id"])
        kernel.connect()
        self.kernels.append(kernel)
        return kernel

    def end(self, kernel: Kernel) -> None:
        """Shut a kernel down."""
        kernel.socket.close()
        self.kernels.remove(kernel)
        self.call("DELETE", f"user/{self.name}/api/kernels/{kernel.name}")

    def processes(self) -> tuple[psutil.Process | None, list[psutil.Process]]:
        """The student's server and its kernels, which run on this machine."""
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if "jupyterhub.singleuser" in words and process.environ().get("JUPYTERHUB_USER") == self.name:
                kernels = [child for child in process.children() if "ipykernel_launcher" in " ".join(child.cmdline())]
                return process, sorted(kernels, key=psutil.Process.create_time)
        return None, []

    def memory(self) -> tuple[int, list[int]]:
        """The largest resident sets of the server and of each kernel so far, the newest kernel last, in MiB."""
        server, kernels = self.processes()
        return peak_memory(server.pid) if server else 0, [peak_memory(kernel.pid) for kernel in kernels]

    def computed(self) -> float:
        """Seconds of processor that the newest kernel has used."""
        times = self.processes()[1][-1].cpu_times()
        return times.user + times.system
