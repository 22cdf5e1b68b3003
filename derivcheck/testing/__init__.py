"""For test suites: a pytest plugin that turns problem files into tests, and Hypothesis strategies from a Context.

Once derivcheck is installed, pytest finds the plugin (`derivcheck.testing.plugin`) by itself; it does nothing until
a project says which files hold problems, in ``pyproject.toml``::

    [tool.pytest.ini_options]
    derivcheck_problems = ["derivations/**/*.py"]

or on the command line with ``pytest --derivcheck derivations/``.  Each claim becomes a test.
"""
