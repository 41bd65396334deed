"""The trial's hub: the settings of deploy/, with local processes in place of systemd's units and any password.

Loaded by JupyterHub in the folder of the trial (tools/hub/class_of.py), whose copy of the course is the hub's course.
Where root runs it, each student has an account number of its own, and a memory group with the limit of deploy/ where
this machine lets us make one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner

FOLDER = Path.cwd()
GROUPS = os.environ.get("CLASS_GROUPS", "")  # where memory groups (cgroup version 1) are made; empty: nowhere
FIRST_ACCOUNT = 60001  # numbers that no account of a usual system has


class StudentSpawner(SimpleLocalProcessSpawner):
    """A local process as systemd would start it: unprivileged, in a home of its own, with its memory limited."""

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        return lambda: self.become_student()

    def become_student(self) -> None:
        home, account = Path(self.home_dir), FIRST_ACCOUNT + self.user.id
        home.mkdir(parents=True, exist_ok=True)
        if GROUPS:
            group = Path(GROUPS) / self.user.name
            group.mkdir(parents=True, exist_ok=True)
            (group / "memory.limit_in_bytes").write_text(str(self.mem_limit), encoding="ascii")
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
        if os.geteuid() == 0:
            os.chown(home, account, account)
            os.setgroups([])
            os.setgid(account)
            os.setuid(account)
        os.chdir(home)


c = get_config()
load_subconfig(str(FOLDER / "course" / "deploy" / "jupyterhub_config.py"))
c.JupyterHub.spawner_class = StudentSpawner
c.SimpleLocalProcessSpawner.home_dir_template = str(FOLDER / "homes" / "{username}")
c.Spawner.environment["COURSE_CACHE"] = str(FOLDER / "cache")
c.Spawner.environment["TMPDIR"] = str(FOLDER / "tmp")  # systemd gives each student a /tmp that goes with the server
c.Spawner.environment["COURSE_IDLE"] = lambda spawner: "20" if spawner.user.name == "idle" else "3600"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.bind_url = os.environ["CLASS_ADDRESS"]
c.JupyterHub.hub_port = int(os.environ["CLASS_HUB_PORT"])
c.ConfigurableHTTPProxy.api_url = os.environ["CLASS_PROXY_API"]
c.ConfigurableHTTPProxy.command = [os.environ["CLASS_PROXY"]]
c.ConfigurableHTTPProxy.pid_file = str(FOLDER / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{FOLDER}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = str(FOLDER / "cookie_secret")
