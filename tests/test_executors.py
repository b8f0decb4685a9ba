"""Work goes to any executor: the same answer from processes, Dask, loky and MPI, also when workers die or hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import distributed
import loky
import pytest

from exactformer import Box, ReluNetwork
from exactformer.compiler import compile_network
from exactformer.errors import InvalidInput
from exactformer.measuring import distance
from exactformer.prover import parallel, verify
from exactformer.theorems import check
from exactformer.work import Work, pool, spread

NETWORK = ReluNetwork.of(
    [([[2, 1], [-1, 3], [1, -2], [-3, -1]], ["1/2", "-1/3", "1/5", "2/7"]), ([[1, -1, 2, 1], [2, 1, -1, -1]], [0, 1])],
    ([[1, -1]], [0]),
    domain=Box([-1, -1], [1, 1]),
)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "SECONDS", 0.02)
    monkeypatch.setattr(parallel, "AT_FIRST", 0.0)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes of Dask on the loopback."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def proof(work: Work) -> Any:
    transformer = compile_network(NETWORK).transformer
    outcome = verify(NETWORK, transformer, method="regions", cross_check=(), work=work)
    assert outcome.verdict == "proved" and outcome.certificate is not None
    return outcome.certificate


def test_a_proof_by_dask(cluster: Any) -> None:
    with cluster.get_executor() as executor:
        assert proof(Work(2, executor)) == proof(Work())


def test_a_distance_by_dask(cluster: Any) -> None:
    transformer = compile_network(NETWORK).transformer
    with cluster.get_executor() as executor:
        far, near = (
            distance(NETWORK, transformer, right_temperature=8, work=work) for work in (Work(2, executor), Work())
        )
    assert far.outcome is not None and near.outcome is not None
    assert far.outcome.certificate == near.outcome.certificate


def test_theorems_by_dask(cluster: Any) -> None:
    with cluster.get_executor() as executor:
        assert check("T12", rank=2, instances=3, work=Work(2, executor)).outcome == "confirmed"


def test_a_worker_of_dask_is_killed(cluster: Any) -> None:
    """Its work is done again by the other one, or by the one that takes its place."""
    pids = list(cluster.run(os.getpid).values())
    killed: list[int] = []

    def watch(status: Any) -> None:
        if not killed and status.phase == "regions":
            killed.append(pids[0])
            os.kill(pids[0], signal.SIGKILL)

    with cluster.get_executor() as executor:
        assert proof(Work(2, executor, watch=watch)) == proof(Work())
    assert killed


def test_a_proof_by_loky() -> None:
    with loky.get_reusable_executor(max_workers=2) as executor:
        assert proof(Work(2, executor)) == proof(Work())


def test_a_proof_by_mpi(tmp_path: Path) -> None:
    """Two ranks of MPI, in processes of their own."""
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
        from mpi4py.futures import MPIPoolExecutor
        from exactformer.prover import parallel
        from exactformer.work import Work
        from test_executors import proof

        if __name__ == "__main__":
            parallel.SECONDS, parallel.AT_FIRST = 0.02, 0.0
            with MPIPoolExecutor(max_workers=1) as executor:
                assert proof(Work(2, executor)) == proof(Work())
            print("the same certificate")
        """)
    )
    mpiexec = Path(sys.executable).with_name("mpiexec")
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = [str(mpiexec), "-n", "2", sys.executable, "-m", "mpi4py.futures", str(program)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": path})
    assert run.stdout == "the same certificate\n", run.stderr


# --- faults ---------------------------------------------------------------------------------------


def once(folder: str, number: int, fault: Callable[[], None]) -> int:
    """The square of a number; the first time that it is asked for 3, a fault."""
    mark = Path(folder, "mark")
    if number == 3 and not mark.exists():
        mark.touch()
        fault()
    return number * number


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def lack_memory() -> None:
    raise MemoryError


def hang() -> None:
    time.sleep(600)


@pytest.mark.parametrize("fault", [die, lack_memory, hang])
def test_lost_work_is_done_again(tmp_path: Path, fault: Callable[[], None]) -> None:
    tasks = [(str(tmp_path), number, fault) for number in range(8)]
    found = dict(spread(once, tasks, work=Work(2), patience=2.0))
    assert found == {number: number * number for number in range(8)}


@pytest.mark.parametrize("fault", [lack_memory, hang])
def test_lost_work_of_a_given_executor_is_done_again(tmp_path: Path, fault: Callable[[], None]) -> None:
    executor = ThreadPoolExecutor(2)
    try:
        release = fault if fault is lack_memory else lambda: time.sleep(5)
        tasks = [(str(tmp_path), number, release) for number in range(8)]
        found = dict(spread(once, tasks, work=Work(2, executor), patience=0.5))
    finally:
        executor.shutdown()
    assert found == {number: number * number for number in range(8)}


def test_work_that_is_lost_every_time_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(BrokenExecutor, match="lost too often"):
        list(spread(always, [(1,), (2,)], work=Work(2)))


def always(number: int) -> None:
    die()


def test_more_work_may_come_while_results_are_looked_at() -> None:
    tasks = [(0,)]
    found = []
    for number, value in spread(following, tasks, work=Work(2)):
        found.append((number, value))
        if value < 20:
            tasks += [(value,), (value + 5,)]
    assert sorted(number for number, _ in found) == list(range(len(tasks)))


def following(number: int) -> int:
    return number + 3


def test_a_worker_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere(Executor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            try:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(pool, "VERSIONS", "exactformer 0.0.1 on Python 3.11")
                    future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)
            return future

    with pytest.raises(InvalidInput, match=r"worker: expected exactformer .*, found exactformer 0\.0\.1 on"):
        proof(Work(2, Elsewhere()))
