"""One thread inside, and what there was before afterwards."""

import threading

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 - loads linear algebra
import sklearn.ensemble  # noqa: F401 - loads OpenMP
from threadpoolctl import threadpool_info, threadpool_limits

from workbench.core.threads import one_thread


@pytest.fixture(autouse=True)
def _two():
    np.linalg.inv(np.eye(3))
    with threadpool_limits(2):
        yield


def numbers(kind):
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == kind}


def test_recovers_the_numbers_of_threads():
    assert (numbers("blas"), numbers("openmp")) == ({2}, {2})
    with one_thread():
        assert (numbers("blas"), numbers("openmp")) == ({1}, {1})
        with one_thread():
            pass
        assert (numbers("blas"), numbers("openmp")) == ({1}, {1})
    assert (numbers("blas"), numbers("openmp")) == ({2}, {2})


def test_recovers_them_after_an_error():
    with pytest.raises(RuntimeError), one_thread():
        raise RuntimeError
    assert (numbers("blas"), numbers("openmp")) == ({2}, {2})


def test_recovers_what_each_thread_had():
    inside, leave, seen = threading.Event(), threading.Event(), []

    def other():
        with threadpool_limits(2, user_api="openmp"):
            with one_thread():
                seen.append(numbers("openmp"))
                inside.set()
                leave.wait(30)
            seen.append(numbers("openmp"))

    thread = threading.Thread(target=other)
    thread.start()
    with one_thread():
        assert inside.wait(30)
    assert (numbers("blas"), numbers("openmp")) == ({2}, {2})    # the other is still inside
    leave.set()
    thread.join(30)
    assert seen == [{1}, {2}]
    assert (numbers("blas"), numbers("openmp")) == ({2}, {2})
