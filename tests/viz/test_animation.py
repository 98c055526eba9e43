"""Moving pictures: their frames, read back from the file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy
import pytest
from PIL import Image

from tinygrad_lin import Data, DataError, History, Linear, fit
from tinygrad_lin.viz import animation
from tinygrad_lin.viz.animation import FPS, LAST_FRAME_REPEATS, animate_curve

if TYPE_CHECKING:
    from pathlib import Path

POINTS = Data([[0.0], [1.0], [2.0]], [1.0, 0.0, 1.0])


def trained(steps: int) -> tuple[Linear, History]:
    model = Linear()
    return model, fit(model, POINTS.x, POINTS.y, lr=0.1, steps=steps, tolerance=0.0)


def blue(frame: Image.Image) -> float:
    """How high the curve is on the left, in pixels from the top."""
    pixels = numpy.asarray(frame.convert("RGB")).astype(int)
    rows, columns = numpy.nonzero((pixels[..., 2] > 120) & (pixels[..., 0] < 80))
    return float(rows[columns < columns.min() + 20].mean())


def test_a_gif_moves_from_the_start_to_the_end_and_rests(tmp_path: Path) -> None:
    model, history = trained(3)
    animate_curve(model, POINTS, history.snapshots, tmp_path / "learning.gif")
    assert [path.name for path in tmp_path.iterdir()] == ["learning.gif"]
    with Image.open(tmp_path / "learning.gif") as image:
        assert image.format == "GIF"
        assert image.info["loop"] == 0
        heights, durations = [], []
        for place in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(place)
            heights.append(blue(image))
            durations.append(image.info["duration"])
    assert len(heights) == 4
    each = 1000 / FPS
    assert durations == [each, each, each, (1 + LAST_FRAME_REPEATS) * each]
    # The curve on the left is the bias, and pixels count downwards.
    biases = [snapshot.parameters[1] for snapshot in history.snapshots]
    slope, _ = numpy.polyfit(biases, heights, 1)
    assert slope < 0
    assert numpy.corrcoef(biases, heights)[0, 1] == pytest.approx(-1.0, abs=1e-3)


def test_long_trainings_take_no_more_frames(tmp_path: Path) -> None:
    model, history = trained(150)
    animate_curve(model, POINTS, history.snapshots, tmp_path / "long.gif")
    with Image.open(tmp_path / "long.gif") as image:
        assert 20 < image.n_frames <= animation.MAX_FRAMES + 1  # type: ignore[attr-defined]


def test_an_mp4_is_made_of_frames_by_ffmpeg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = tmp_path / "ffmpeg"  # keeps what it is sent in place of making a film of it
    recorder.write_text(
        f"#!{sys.executable}\nimport sys\nopen(sys.argv[-1], 'wb').write(sys.stdin.buffer.read())\n"
    )
    recorder.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    model, history = trained(3)
    animate_curve(model, POINTS, history.snapshots, tmp_path / "learning.mp4")
    frame = 640 * 400 * 4
    assert len((tmp_path / "learning.mp4").read_bytes()) == (4 + LAST_FRAME_REPEATS) * frame


def test_without_ffmpeg_there_is_no_mp4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    model, history = trained(1)
    with pytest.raises(DataError, match=r"write a \.gif instead"):
        animate_curve(model, POINTS, history.snapshots, tmp_path / "learning.mp4")
    assert not list(tmp_path.iterdir())


def test_an_animation_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    model, history = trained(1)
    with pytest.raises(DataError, match=r"a \.gif or an \.mp4, not 'learning\.txt'"):
        animate_curve(model, POINTS, history.snapshots, "learning.txt")
    with pytest.raises(DataError, match="no snapshot"):
        animate_curve(model, POINTS, [], "learning.gif")
    with pytest.raises(DataError, match="one feature"):
        animate_curve(
            Linear(inputs=2), Data([[1.0, 2.0]], [1.0], ("a", "b")), history.snapshots, "l.gif"
        )
    with pytest.raises(FileNotFoundError):
        animate_curve(model, POINTS, history.snapshots, tmp_path / "missing" / "learning.gif")
