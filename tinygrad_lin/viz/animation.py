"""A net's curve as it learns, as a moving picture."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.animation import FFMpegWriter, PillowWriter
from matplotlib.figure import Figure

from tinygrad_lin._files import write_whole
from tinygrad_lin.errors import DataError
from tinygrad_lin.viz.plots.models import curves_of
from tinygrad_lin.viz.plots.style import axes_of, name_axes, plot_points
from tinygrad_lin.viz.themes import CURVE, INK

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from matplotlib.lines import Line2D
    from numpy import float64
    from numpy.typing import NDArray

    from tinygrad_lin.nn.data import Data
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.nn.training.history import Snapshot

MAX_FRAMES = 40
FPS = 10
LAST_FRAME_REPEATS = 10
"""The last frame is repeated this often, so that a GIF pauses before it begins again."""


def animate_curve(
    model: Module, data: Data, snapshots: Sequence[Snapshot], path: str | os.PathLike[str]
) -> None:
    """Write a moving picture of a model's curve as it learned.

    Args:
        model: of one feature.
        data: the points it learned from.
        snapshots: those of the history. They lie ever farther apart, so that the beginning, when
            most happens, takes most of the time.
        path: a .gif, or an .mp4 where ffmpeg is on the PATH.

    Raises:
        DataError: the points have several features, there is no snapshot, the path ends in another
            suffix, or there is no ffmpeg for an MP4.
        OSError: the file cannot be written.
    """
    if not snapshots:
        raise DataError("there is no snapshot to draw a curve of")
    suffix = Path(path).suffix.lower()
    if suffix not in {".gif", ".mp4"}:
        raise DataError(f"a moving picture is a .gif or an .mp4, not {str(path)!r:.60}")
    if suffix == ".mp4" and not FFMpegWriter.isAvailable():
        raise DataError("an MP4 needs ffmpeg, which is not on the PATH: write a .gif instead")
    x, curves = curves_of(model, data)
    shown = [*snapshots[: -1 : -(-len(snapshots) // MAX_FRAMES)], snapshots[-1]]
    frames = [
        (f"after {snapshot.step:,} steps, cost {snapshot.cost:.2g}", curves(snapshot.parameters))
        for snapshot in shown
    ]
    curve = prepare_figure(data, x, frames[0][1])
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"draft{suffix}"
        write_frames(draft, curve, frames)
        write_whole(path, draft.read_bytes())


def prepare_figure(data: Data, x: NDArray[float64], y: NDArray[float64]) -> Line2D:
    """A figure of the points and a curve, laid out once for all frames; gives the curve."""
    figure, ax = axes_of(Figure(figsize=(6.4, 4.0), dpi=100, layout="constrained").add_subplot())
    plot_points(ax, [row[0] for row in data.x], data.y)
    (curve,) = ax.plot(x, y, color=CURVE, linewidth=2.0, zorder=5)
    low, high = min(data.y), max(data.y)
    ax.set_ylim(low - 0.25 * (high - low or 1.0), high + 0.25 * (high - low or 1.0))
    name_axes(ax, data.features[0], data.target)
    ax.set_title(" ", fontsize="medium")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # The axes stand still: only the curve moves.
    return curve


def write_frames(path: Path, curve: Line2D, frames: list[tuple[str, NDArray[float64]]]) -> None:
    """Write a frame for each title and heights of the curve, and then let the last one rest."""
    figure = curve.get_figure()
    assert isinstance(figure, Figure)
    writer = PillowWriter(FPS) if path.suffix == ".gif" else FFMpegWriter(FPS)
    with writer.saving(figure, path, dpi=100):
        for title, heights in frames:
            curve.set_ydata(heights)
            figure.axes[0].set_title(title, color=INK, fontsize="medium")
            writer.grab_frame()
        for _ in range(LAST_FRAME_REPEATS):
            writer.grab_frame()
