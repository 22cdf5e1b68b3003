"""Reports for eyes and machines: what a run found, as text, JSON, JUnit, GitHub annotations or an HTML page.

A report is made from the frozen records of `derivcheck.engine.results` alone; it computes no verdict.
"""
