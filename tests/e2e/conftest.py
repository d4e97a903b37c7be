"""Fixtures: whatever a test starts is ended when it is over."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness as h  # noqa: E402


@pytest.fixture
def run(tmp_path):
    """run(Class, *args): makes the process in the test's folder; it is stopped at the end. tsdbd must end cleanly."""
    made = []

    def make(cls, *args, **kw):
        folder = kw.pop("folder", None) or tmp_path
        p = cls(folder, *args, **kw)
        made.append(p)
        return p

    yield make
    faults = []
    for p in reversed(made):
        if p.proc is None:
            continue
        ended = p.proc.poll()
        code = p.stop()
        if isinstance(p, h.Tsdbd) and (ended is not None or code != 0):
            faults.append(f"tsdbd ended with {code}:\n{p.log_text()[-4000:]}")
    assert not faults, "\n".join(faults)


@pytest.fixture
def target():
    t = h.Target()
    yield t
    t.stop()
