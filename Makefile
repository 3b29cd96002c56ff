# make demo    a registry and three agents that find each other and talk: the main job
# make test    everything the tests need, then all tests (ARGS="-k dht" chooses)
# make check   style, types, import rules, packaging
# make bench   tables beside other systems (make bench-dht ARGS="--row loopback": some of them), the DHT's with the core
#              of the package compiled, a minute or two before the first (MESH99_COMPILED=0: as it is)
# make format  rewrite the sources in the house style
#
# Each first makes .venv, when it is missing or does not fit setup.cfg any more. With MESH99_COMPILED=1 behind it the
# core of the package is compiled (setup.py), in .venv-compiled, again after each change of a source.

PYTHON ?= python3
VENV = .venv$(if $(filter 1,$(MESH99_COMPILED)),-compiled)
RUN = $(VENV)/bin/python -m
bench-dht: MESH99_COMPILED := $(or $(MESH99_COMPILED),1)
export PYTHON MESH99_COMPILED

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

bench:
	$(MAKE) --no-print-directory bench-messaging
	$(MAKE) --no-print-directory bench-dht

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
