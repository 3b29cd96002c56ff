# make demo    a registry and three agents that find each other and talk: the main job
# make test    everything the tests need, then all tests (ARGS="-k dht" chooses)
# make check   style, types, import rules, packaging
# make bench   tables beside other systems
# make format  rewrite the sources in the house style
#
# Each first makes .venv, when it is missing or does not fit setup.cfg any more.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
export PYTHON

.PHONY: demo test check bench format clean installed tools debian

demo: installed
	$(VENV)/bin/mesh99 demo

test: tools debian
	$(RUN) pytest $(ARGS)

check: tools
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(VENV)/bin/lint-imports
	$(RUN) pytest -q tests/packaging

bench: tools debian
	$(RUN) benchmarks.messaging $(ARGS)
	$(RUN) benchmarks.dht $(ARGS)

format: tools
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info

installed:
	tests/make_venv.sh $(VENV) '.[fast]'

tools:
	tests/make_venv.sh $(VENV) '.[fast,sim,sweep,test,bench]'

debian:
	tests/install_debian.sh
