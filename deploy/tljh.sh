#!/bin/sh
# The course on The Littlest JupyterHub (JupyterHub 5), once that is installed. As root:
#
#     sh /srv/course/deploy/environment.sh && sh /srv/course/deploy/tljh.sh
#
# Not run here: The Littlest JupyterHub needs systemd. Run here: the settings that it links, by tools/hub/class_of.py.
set -eu
course=$(dirname "$(dirname "$(readlink -f "$0")")")
mkdir -p /opt/tljh/config/jupyterhub_config.d
ln -sf "$course/deploy/course_config.py" /opt/tljh/config/jupyterhub_config.d/course.py
# It sets these itself, over what the linked file says.
tljh-config set limits.memory 2G
tljh-config set limits.cpu 2
tljh-config set services.cull.enabled false # its culler knows of no kernels; each server ends itself (start.py)
tljh-config reload
