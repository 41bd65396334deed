"""What every student's server is told, whichever hub starts it (plain JupyterHub, The Littlest JupyterHub).

Run here: loaded by deploy/jupyterhub_config.py, which tools/hub/class_of.py starts. `c` is JupyterHub's.
"""

from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent  # owned by root; students only read it

c = get_config()
c.Spawner.cmd = [str(COURSE / ".venv" / "bin" / "python"), str(COURSE / "deploy" / "start.py")]
c.Spawner.environment = {
    "COURSE_CACHE": "/srv/course-cache",  # one for all, read-only once `course prefetch` has filled it
    # TensorFlow takes every core that it sees: thirty students on thirty-two cores would have a thousand threads.
    "OMP_NUM_THREADS": "2",
    "TF_NUM_INTRAOP_THREADS": "2",
    "TF_NUM_INTEROP_THREADS": "2",
}
c.Spawner.mem_limit = "2G"  # also as MEM_LIMIT in the environment, which a lesson's set-up cell reads
c.Spawner.cpu_limit = 2.0
c.Spawner.start_timeout = 180  # the first start copies the lessons, and a whole class starts at once
c.Spawner.http_timeout = 120
