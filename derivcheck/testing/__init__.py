"""For test suites: a pytest plugin that turns problem files into tests, and Hypothesis strategies from a Context.

The plugin (`derivcheck.testing.plugin`) is found by pytest by itself once derivcheck is installed; it does nothing until
a project says which files hold problems, in ``pyproject.toml``::

    [tool.pytest.ini_options]
    derivcheck_problems = ["derivations/**/*.py"]

or on the command line with ``pytest --derivcheck derivations/``.  Each claim becomes a test.
"""
