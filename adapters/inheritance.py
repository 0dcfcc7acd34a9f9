"""What an update leaves as it is: files of its base that become its own, byte for byte."""

from collections.abc import Collection, Mapping

from adapters.object_path import Location
from adapters.run_folder import RunFolder
from adapters.storage import link, sha256_of


def partition_folder(name: str) -> str:
    """`county=50007` of `person/county=50007/b000001.parquet`; empty without partitions."""
    return "/".join(name.split("/")[1:-1])


def inherit(run: RunFolder, base: RunFolder, digests: Mapping[str, str], touched: Collection[str]) -> int:
    """Stage the base's files of all partitions but the touched ones; how many. Those that are there stay."""
    kept = [name for name in digests if partition_folder(name) not in touched]
    for name in kept:
        inherit_file(base.records / name, run.staged_dataset / name, digests[name])
    return len(kept)


def inherit_file(source: Location, target: Location, digest: str) -> None:
    """Stage one file of the base, unless it is there and intact."""
    if not (target.is_file() and sha256_of(target) == digest):
        link(source, target)
