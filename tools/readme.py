"""Write the README's badges (tests, site, Colab, Binder): python -m tools.readme

They need the address of the public repository, `repository` in the table [project.urls] of pyproject.toml. Without it
there are none, since a badge that leads nowhere is worse than none.
"""

from __future__ import annotations

import re
import sys

from utils import paths

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FIRST_LESSON = "notebooks/01_getting_started_with_neural_networks.ipynb"
BETWEEN_MARKERS = re.compile(r"(?<=<!-- badges -->\n).*?(?=<!-- /badges -->)", re.DOTALL)


def badges(repository: str | None) -> str:
    """The badges as lines of Markdown; empty without an address.

    Args:
        repository: "https://github.com/OWNER/NAME", or None.

    Raises:
        ValueError: the address is not of this form.
    """
    if not repository:
        return ""
    parts = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?", repository)
    if parts is None:
        raise ValueError(f"{repository!r}: expected https://github.com/OWNER/NAME in [project.urls] of pyproject.toml")
    owner, name = parts.groups()
    home = f"https://github.com/{owner}/{name}"
    targets = {
        "tests": (f"{home}/actions/workflows/test.yml/badge.svg", f"{home}/actions/workflows/test.yml"),
        "read it on the web": (
            "https://img.shields.io/badge/read-on%20the%20web-0072B2",
            f"https://{owner}.github.io/{name}/",
        ),
        "open in Colab": (
            "https://colab.research.google.com/assets/colab-badge.svg",
            f"https://colab.research.google.com/github/{owner}/{name}/blob/main/{FIRST_LESSON}",
        ),
        "open in Binder": (
            "https://mybinder.org/badge_logo.svg",
            f"https://mybinder.org/v2/gh/{owner}/{name}/main?labpath={FIRST_LESSON}",
        ),
    }
    return "".join(f"[![{words}]({image})]({target})\n" for words, (image, target) in targets.items())


def main() -> None:
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = paths.ROOT / "README.md"
    lines = badges(project.get("urls", {}).get("repository"))
    readme.write_text(BETWEEN_MARKERS.sub(lines, readme.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"README.md: {lines.count('[![')} badges")


if __name__ == "__main__":
    main()
