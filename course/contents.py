"""What JupyterLab reads and writes of a notebook: opening a lesson must not change it.

On opening, JupyterLab puts the name of its kernel and the version of Python into the notebook's metadata. Where that
differs from the file the notebook counts as modified, and each version of Python would write another file. So these
entries are as JupyterLab wants them when it reads a notebook, and as they stand in the course's files when it saves.
"""

from __future__ import annotations

import logging
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_server.files.handlers import FilesHandler
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from traitlets import default

from course.lessons import NEUTRAL
from utils import paths


def of_this_machine() -> dict[str, Any]:
    """The same entries as JupyterLab writes them here; none if there is no kernel `python3`."""
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return {}
    return {
        "kernelspec": {"display_name": spec.display_name, "language": spec.language, "name": "python3"},
        "language_info": IPythonKernel.language_info,
    }


def replace(model: dict[str, Any] | None, entries: dict[str, Any]) -> None:
    """Put entries into the metadata of a notebook for Python 3; leave every other file and notebook alone.

    Args:
        model: of a file, as Jupyter Server's contents API has it; changed in place.
        entries: see NEUTRAL.
    """
    if not model or model.get("type") != "notebook" or not model.get("content"):
        return
    metadata = model["content"].setdefault("metadata", {})
    if metadata.get("kernelspec", {}).get("name") == "python3":
        metadata.update(entries)


class LessonContents(AsyncLargeFileManager):
    """Jupyter Server's files, with neutral metadata on the disk, and without a warning for each notebook.

    That a notebook's outputs were not made here ("is not trusted") is so for every lesson that is opened first.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.log.addFilter(lambda record: "is not trusted" not in record.getMessage())
        # Jupyter counts its pings in milliseconds and Tornado in seconds, about which it warns at the first kernel.
        logging.getLogger("tornado.general").addFilter(
            lambda record: "websocket_ping_timeout" not in record.getMessage()
        )

    # What serves the lessons' pictures. On a hub they lie behind links from the student's folder into the course, which
    # the usual handler (Tornado's, for static files) does not follow; Jupyter's other one asks this class for the file.
    @default("files_handler_class")
    def _files_handler_class_default(self) -> type:
        return super()._files_handler_class_default() if paths.HOME == paths.ROOT else FilesHandler

    async def get(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        model = await super().get(*arguments, **options)
        replace(model, of_this_machine())
        return model

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        replace(model, NEUTRAL)
        return await super().save(model, path)
