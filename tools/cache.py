"""Fill a cache ahead of a lesson, or a folder that a whole class can download from.

    python -m tools.cache prefetch [6 8 …]   fetch what full mode needs for these lessons (or for all)
    python -m tools.cache mirror FOLDER      fetch everything into a folder, verify it, and write a list of hashes

A mirror has the layout of a cache. Serve it with `python -m http.server --directory FOLDER 8000`, and the students set
COURSE_MIRROR=http://HOST:8000. What is there already is verified and not fetched again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import requests

from utils.downloads import TIMEOUTS, DownloadError, Source, cache_dir, candidate_urls, fetch, is_verified, registry

MANIFEST = "SHA256SUMS"


def needed(lessons: list[int]) -> list[Source]:
    """The downloads of these lessons, or of all if none is named."""
    sources = [source for source in registry().values() if not source.embedded]
    return [source for source in sources if not lessons or set(lessons) & set(source.lessons)]


def size_of(source: Source) -> int | None:
    """Bytes of a download: from the registry, or what its host says; None if neither does."""
    for url in candidate_urls(source):
        if source.size is not None:
            return source.size
        try:
            answer = requests.head(url, timeout=TIMEOUTS, allow_redirects=True, headers={"Accept-Encoding": "identity"})
            if answer.ok:
                return int(answer.headers["Content-Length"])
        except (requests.RequestException, KeyError, ValueError):
            continue
    return None


def fetch_all(sources: list[Source]) -> int:
    """Say what is missing and how large it is, fetch it, and count the files that could not be had."""
    missing = [source for source in sources if not is_verified(cache_dir() / source.name, source)]
    print(f"{len(sources)} files for {cache_dir()}; {len(sources) - len(missing)} are there already.")
    sizes = [(source, size_of(source)) for source in missing]
    for source, size in sizes:
        print(f"  {f'{size / 1e6:,.1f} MB' if size else 'size unknown':>14}  {source.name}")
    total = sum(size or 0 for _, size in sizes)
    place = next(path for path in (cache_dir(), *cache_dir().parents) if path.exists())
    free = shutil.disk_usage(place).free
    print(f"To download: {total / 1e6:,.1f} MB, and {free / 1e6:,.0f} MB are free.")
    if total > free:
        print("That does not fit: make room, or name another folder.", file=sys.stderr)
        return len(missing)
    failures = 0
    for source in missing:
        try:
            fetch(source.name)
            print(f"  {source.name}")
        except DownloadError as error:
            failures += 1
            print(error, file=sys.stderr)
    print(f"{len(sources) - failures} of {len(sources)} files are there, with the right hashes.")
    return failures


def write_manifest(folder: Path) -> None:
    """List the files of the registry that are in the folder, in the form that `sha256sum --check` reads."""
    import pooch

    files = [folder / source.name for source in needed([]) if (folder / source.name).exists()]
    lines = [f"{pooch.file_hash(str(path))}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("prefetch")
    command.add_argument("lessons", type=int, nargs="*", help="numbers of lessons; all if there is none")
    command = commands.add_parser("mirror")
    command.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    os.environ["COURSE_MODE"] = "full"
    if arguments.command == "prefetch":
        sys.exit(bool(fetch_all(needed(arguments.lessons))))
    os.environ["COURSE_CACHE"] = str(arguments.folder.resolve())
    failures = fetch_all(needed([]))
    if arguments.folder.is_dir():
        write_manifest(arguments.folder)
        print(f"Wrote {arguments.folder / MANIFEST}.")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
