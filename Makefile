# make demo    a registry and three agents that find each other and talk: the main job
# make test    everything the tests need, then all tests (ARGS="-k dht" chooses)
# make check   style, types, import rules, packaging
# make bench   tables beside other systems (make bench-dht ARGS="--row loopback": some of them)
# make format  rewrite the sources in the house style
#
# Each first makes .venv, when it is missing or does not fit setup.cfg any more. With MESH99_COMPILED=1 behind it the
# core of the package is compiled (setup.py), in .venv-compiled: three minutes after each change.

PYTHON ?= python3
VENV := .venv$(if $(filter 1,$(MESH99_COMPILED)),-compiled)
RUN := $(VENV)/bin/python -m
export PYTHON

.PHONY: demo test check bench bench-messaging bench-dht format clean installed tools debian

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

bench: bench-messaging bench-dht

bench-messaging bench-dht: bench-%: tools debian
	$(RUN) benchmarks.$* $(ARGS)

format: tools
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

clean:
	rm -rf .venv .venv-compiled build dist *.egg-info

installed:
	tests/make_venv.sh $(VENV) '.[fast]'

tools:
	tests/make_venv.sh $(VENV) '.[fast,sim,sweep,test,bench]'

debian:
	tests/install_debian.sh
