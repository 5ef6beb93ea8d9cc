# make run                               start the app; PORT=8502 for another port
# make compare ZIP=pictures.zip          the same comparison without a browser; BASE=VGG16, ARGS="--epochs 10 --seed 2"
# make test                              format, lint, types and the quick tests
# make quick                             under a minute: format, lint, types, the tests of what was changed
# make test-slow                         the tests of a minute or more
# make lock                              choose the exact versions anew, after a requirement changed; ARGS=--upgrade for
#                                        the newest of everything
# make rehearse                          README's commands on a bare Debian of the next release; needs root
# make clean                             remove what these made; data and results in .headstart/ stay
#
# PYTHON=/path/to/python3.12 chooses the interpreter for the virtual environment.

PORT ?= 8501
PYTHON_HERE = .venv/bin/python

export PYTHON

.PHONY: run compare quick test test-slow lock rehearse clean

run:
	@scripts/setup.sh
	@echo "Headstart: http://localhost:$(PORT) (stop it with Ctrl+C)"
	@exec $(PYTHON_HERE) -m streamlit run app.py --server.port=$(PORT) --server.showEmailPrompt=false --browser.serverAddress=localhost

compare:
	$(if $(ZIP),,$(error expected a zip of pictures; found none. Say: make compare ZIP=pictures.zip BASE=MobileNet))
	@scripts/setup.sh
	@exec $(PYTHON_HERE) -m core compare "$(ZIP)" $(if $(BASE),--base "$(BASE)") $(ARGS)

test:
	@scripts/setup.sh test
	$(PYTHON_HERE) -m ruff format --check
	$(PYTHON_HERE) -m ruff check
	$(PYTHON_HERE) -m mypy
	$(PYTHON_HERE) -m pytest -m "not slow" -n auto --maxprocesses 4 --dist loadgroup $(ARGS)

quick:
	@scripts/setup.sh test
	@scripts/quick.sh $(ARGS)

test-slow:
	@scripts/setup.sh test
	$(PYTHON_HERE) -m pytest -m slow $(ARGS)

lock:
	@scripts/lock.sh $(ARGS)

rehearse:
	@scripts/rehearse.sh

clean:
	rm -rf .venv .venv-lock .mypy_cache .pytest_cache .ruff_cache static/plotly.min.js
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
