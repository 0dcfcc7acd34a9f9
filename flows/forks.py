"""The process that local workers are forked from: it has imported what batches need, once for all of them.

Started ahead of everything else, it imports while the flow's own process does, and a worker is there in no time, be it
the first or one that replaces another. It ends with the process that started it, however that ends.
"""

import multiprocessing
import os
from multiprocessing import forkserver

PRELOADED = ("tasks.worker", "distributed.nanny", "distributed.worker")
# Read when libraries are loaded, which here is before Dask can set them for its workers: a batch has one core.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}


def start_fork_server() -> None:
    """Start it, unless it runs already; does not wait for its imports."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update({name: before[name] or value for name, value in ENVIRONMENT.items()})
    try:
        multiprocessing.set_forkserver_preload(list(PRELOADED))
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
