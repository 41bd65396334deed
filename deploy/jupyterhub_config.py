"""Plain JupyterHub on one Linux server: each student is an account of it, and systemd holds the limits.

    /opt/hub/bin/jupyterhub --config /srv/course/deploy/jupyterhub_config.py

docs/CLASSROOM.md has the steps before. Run here: with JupyterHub 5.5 by tools/hub/class_of.py, which takes a spawner of
local processes in place of systemd's. Not run here, for want of systemd: SystemdSpawner (1.0.2 has all these settings).
"""

from pathlib import Path

c = get_config()
load_subconfig(str(Path(__file__).resolve().with_name("course_config.py")))

c.JupyterHub.spawner_class = "systemd"
c.SystemdSpawner.isolate_tmp = True  # a /tmp of each student's own, gone when the server stops
c.SystemdSpawner.unit_extra_properties = {
    "MemorySwapMax": "0",  # else a kernel over its limit swaps, and the whole machine with it
    "OOMPolicy": "continue",  # a kernel that is killed takes neither its server nor its neighbours along
}
c.JupyterHub.concurrent_spawn_limit = 16  # the others of a class that presses the button at once wait a moment
c.JupyterHub.cleanup_servers = False  # a hub that is restarted finds the students' servers running

# Databases lie on this machine's own disk, never on NFS, whose locks SQLite cannot trust; a student's in /tmp.
STATE = "/var/lib/jupyterhub"
c.JupyterHub.db_url = f"sqlite:///{STATE}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{STATE}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{STATE}/proxy.pid"

# Who may come: everybody with an account here (PAM), or those of a group: c.Authenticator.allowed_groups = {"class"}.
c.Authenticator.allow_all = True
