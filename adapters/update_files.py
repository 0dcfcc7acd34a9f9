"""What an update tells its batches, kept below its staging folder: the targets there, and units' outer parts."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from adapters.object_path import Location
from adapters.run_folder import RunFolder
from adapters.storage import replacing
from schemas.model import FloatArray


@dataclass(frozen=True, slots=True)
class Update:
    """`targets`: what each table aims at, per flat cell; `parts`: what a unit is to hold in its outer cells."""

    targets: Mapping[str, FloatArray]
    parts: Mapping[int, FloatArray]


def write_update(run: RunFolder, round_index: int, update: Update) -> None:
    """Keep it for the batches of a round."""
    arrays = {f"t:{name}": array for name, array in update.targets.items()}
    arrays |= {f"u{unit}": array for unit, array in update.parts.items()}
    with replacing(_path(run, round_index)) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_update(run: RunFolder, round_index: int) -> Update:
    """What `write_update` kept."""
    with np.load(io.BytesIO(_path(run, round_index).read_bytes()), allow_pickle=False) as stored:
        targets = {name[2:]: stored[name] for name in stored.files if name.startswith("t:")}
        return Update(targets, {int(name[1:]): stored[name] for name in stored.files if name.startswith("u")})


def _path(run: RunFolder, round_index: int) -> Location:
    return run.parts_file(f"update{round_index:02d}")
