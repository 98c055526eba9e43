"""Training: what it reaches, what it records, how it ends, what it refuses."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy
import pytest

from tinygrad_lin import (
    MLP,
    SGD,
    DataError,
    DivergedError,
    DomainError,
    History,
    Linear,
    Module,
    OperandError,
    Value,
    binary_cross_entropy,
    fit,
    half_mse,
    hinge,
    load,
    log,
    mse,
    read_csv_batches,
    sqrt,
    total,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

X, Y = [2.0, 4.0], [19.0, 35.0]
W, B = 0.4967141530112327, -0.13826430117118466
NAN, INF = math.nan, math.inf


class Logarithm(Module):
    """a = log(w x), defined only while w x is above 0."""

    def __init__(self, start: float) -> None:
        self.w = Value(start, "w")

    def __call__(self, x: Any) -> Value:
        prediction: Value = log(self.w * x[0])
        return prediction

    def parameters(self) -> list[Value]:
        return [self.w]

    def settings(self) -> dict[str, Any]:
        return {}


def data(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


def gradients_by_hand(w: float, b: float) -> tuple[float, float]:
    errors = [w * x + b - y for x, y in zip(X, Y)]
    return (errors[0] * 2 + errors[1] * 4) / 2, (errors[0] + errors[1]) / 2


# What it reaches


def test_it_learns_8_and_3() -> None:
    line = Linear()
    history = fit(line, X, Y, lr=0.18, steps=5000)
    assert data(line) == pytest.approx([8.0, 3.0], abs=1e-9)
    assert history.converged
    assert not history.interrupted
    assert history.steps < 5000
    assert all(abs(p.grad) <= 1e-12 for p in line.parameters())


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((2, 4), (19, 35)),
        ([[2.0], [4.0]], Y),
        (numpy.array(X), numpy.array(Y)),
        (numpy.array([X]).T, numpy.array([Y]).T),
        ([numpy.array(2.0), numpy.array(4.0)], Y),
    ],
)
def test_points_may_be_given_in_several_shapes(x: Any, y: Any) -> None:
    line = Linear()
    fit(line, x, y, lr=0.18, steps=5000)
    assert data(line) == pytest.approx([8.0, 3.0], abs=1e-9)


def test_several_features() -> None:
    model = Linear(inputs=2)
    x = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    fit(model, x, [5.0 + 2.0 * u - 3.0 * v for u, v in x], lr=0.5, steps=5000)
    assert data(model) == pytest.approx([2.0, -3.0, 5.0], abs=1e-9)


def test_the_first_step_by_hand() -> None:
    line = Linear()
    history = fit(line, X, Y, lr=0.01, steps=1)
    w, b = gradients_by_hand(W, B)
    assert data(line) == pytest.approx([W - 0.01 * w, B - 0.01 * b], rel=1e-14)
    assert history.steps == 1
    assert history.costs[0] == pytest.approx(sum((W * x + B - y) ** 2 for x, y in zip(X, Y)) / 4)


def test_the_optimizer_given_is_the_one_that_steps() -> None:
    line = Linear()
    w, b = line.parameters()
    fit(line, X, Y, optimizer=SGD([w], lr=0.01), lr=123.0, steps=1)
    assert w.data == pytest.approx(W - 0.01 * gradients_by_hand(W, B)[0], rel=1e-14)
    assert b.data == B


def test_a_loss_of_one_s_own() -> None:
    def absolute(predictions: list[Value], targets: list[float]) -> Value:
        assert targets == Y
        return total([abs(a - y) for a, y in zip(predictions, targets)])

    line = Linear()
    history = fit(line, X, Y, loss=absolute, lr=0.01, steps=1)
    assert history.costs[0] == pytest.approx(abs(2 * W + B - 19) + abs(4 * W + B - 35))
    assert data(line) == pytest.approx([W + 0.01 * 6, B + 0.01 * 2])  # all predictions too low


# What it records


def test_there_is_one_cost_more_than_steps() -> None:
    history = fit(Linear(), X, Y, steps=7, tolerance=0.0)
    assert history.steps == 7
    assert len(history.costs) == 8
    assert all(later < earlier for earlier, later in pairwise(history.costs))
    assert not history.converged
    assert "7 steps" in repr(history)
    assert "not converged" in repr(history)


def test_the_last_graph_is_kept_with_its_gradients() -> None:
    line = Linear()
    history = fit(line, X, Y, steps=3)
    assert history.final is not None
    assert history.final.data == history.costs[-1]
    assert history.final.grad == 1.0
    grads = [p.grad for p in line.parameters()]
    assert grads == pytest.approx(gradients_by_hand(*data(line)), rel=1e-12)


def test_no_tolerance_takes_all_the_steps() -> None:
    line = Linear()
    for parameter, number in zip(line.parameters(), (8.0, 3.0)):
        parameter.data = number
    history = fit(line, X, Y, steps=20, tolerance=0.0)
    assert history.steps == 20
    assert data(line) == [8.0, 3.0]
    assert not history.converged


def test_at_the_answer_no_step_is_needed() -> None:
    line = Linear()
    for parameter, number in zip(line.parameters(), (8.0, 3.0)):
        parameter.data = number
    history = fit(line, X, Y)
    assert history.converged
    assert history.steps == 0
    assert list(history.costs) == [0.0]


def test_it_ends_when_a_step_moves_no_parameter() -> None:
    line = Linear()
    before = data(line)
    history = fit(line, X, Y, lr=1e-300, steps=1000)
    assert history.converged
    assert history.steps < 2
    assert data(line) == before


def test_snapshots_are_dense_at_first_and_thin_later() -> None:
    line = Linear()
    history = fit(line, X, Y, lr=0.01, steps=2345, tolerance=0.0)
    steps = [snapshot.step for snapshot in history.snapshots]
    wanted = [*range(100), *range(100, 1000, 10), *range(1000, 2345, 100), 2345]
    assert steps == wanted
    for step, cost, _ in history.snapshots:
        assert cost == history.costs[step]
    assert history.snapshots[0].parameters == (W, B)
    assert list(history.snapshots[-1].parameters) == data(line)


@pytest.mark.parametrize("last", [1, 2, 99, 100, 101, 109, 110, 111])
def test_the_last_snapshot_is_always_there(last: int) -> None:
    steps = [s.step for s in fit(Linear(), X, Y, steps=last, tolerance=0.0).snapshots]
    assert steps[-1] == last
    assert all(a < b for a, b in pairwise(steps))
    assert set(range(min(last, 100))) <= set(steps)


def test_callbacks_see_every_step_with_fresh_gradients() -> None:
    line = Linear()
    seen: list[tuple[int, float]] = []
    order: list[str] = []

    def watch(step: int, cost: Value, model: Module) -> None:
        assert model is line
        grads = [p.grad for p in line.parameters()]
        assert grads == pytest.approx(gradients_by_hand(*data(line)), rel=1e-12)
        seen.append((step, cost.data))
        order.append("first")

    history = fit(line, X, Y, steps=5, callbacks=iter([watch, lambda *_: order.append("second")]))
    assert seen == list(enumerate(history.costs))
    assert len(seen) == 6
    assert order == ["first", "second"] * 6


def test_nothing_is_printed_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    fit(Linear(), X, Y, steps=10)
    assert capfd.readouterr() == ("", "")


# How it ends


def test_too_large_a_learning_rate_diverges_with_advice() -> None:
    line = Linear()
    seen: list[list[float]] = []
    with pytest.raises(DivergedError) as caught:
        fit(line, X, Y, lr=0.2, steps=100_000, callbacks=[lambda *_: seen.append(data(line))])
    error = caught.value
    assert error.step == len(seen) > 0
    assert error.learning_rate == 0.2
    assert error.limit == pytest.approx(0.18335, abs=5e-6)
    for words in (f"step {error.step}", "0.2", "0.18335"):
        assert words in str(error)
    assert data(line) == seen[-1]
    assert all(map(math.isfinite, data(line)))


def test_a_cost_that_is_not_finite_names_the_first_such_node() -> None:
    def overflowing(predictions: list[Value], targets: list[float]) -> Value:
        (a,) = predictions
        huge = a * 1e200
        huge.label = "huge"
        out = huge * huge
        out.label = "overflow"
        return out - 1.0

    line = Linear()
    with pytest.raises(DivergedError, match="overflow") as caught:
        fit(line, [1.0], [1.0], loss=overflowing)
    assert caught.value.step == 0
    assert data(line) == [W, B]


def test_a_gradient_that_is_not_finite_is_divergence_too() -> None:
    class Root(Logarithm):
        def __call__(self, x: Any) -> Value:
            root: Value = (self.w * x[0]).sqrt()  # sqrt(0) is 0, its derivative infinite
            return root

    model = Root(0.0)
    with pytest.raises(DivergedError, match="gradient"):
        fit(model, [1.0], [1.0])
    assert data(model) == [0.0]


def test_leaving_the_domain_later_is_divergence() -> None:
    model = Logarithm(1.0)  # a = 0, dC/dw = a - y = 10, so that w becomes -9
    with pytest.raises(DivergedError) as caught:
        fit(model, [1.0], [-10.0], lr=1.0)
    error = caught.value
    assert error.step == 1
    assert "log" in str(error)
    assert data(model) == [1.0]


def test_divergence_outside_the_domain_is_chained_to_it() -> None:
    with pytest.raises(DivergedError) as caught:
        fit(Logarithm(1.0), [1.0], [-10.0], lr=1.0)
    assert isinstance(caught.value.__cause__, DomainError)


def test_no_learning_rate_is_advised_where_no_limit_is_known() -> None:
    with pytest.raises(DivergedError) as caught:  # here the cost curves downwards
        fit(Logarithm(1.0), [1.0], [-10.0], lr=1.0)
    assert "below inf" not in str(caught.value)
    assert caught.value.limit is None or math.isinf(caught.value.limit)


def test_starting_outside_the_domain_is_a_domainerror() -> None:
    model = Logarithm(-1.0)
    with pytest.raises(DomainError, match="log"):
        fit(model, [1.0], [1.0])
    assert data(model) == [-1.0]


def test_ctrl_c_ends_training_and_keeps_what_was_learned() -> None:
    line = Linear()

    def press(step: int, cost: Value, model: Module) -> None:
        if step == 3:
            raise KeyboardInterrupt

    history = fit(line, X, Y, steps=100, callbacks=[press])
    assert history.interrupted
    assert not history.converged
    assert history.steps == 3
    assert data(line) == list(history.snapshots[-1].parameters)
    assert data(line) != [W, B]
    assert "interrupted" in repr(history)


def test_ctrl_c_in_the_very_first_step_is_no_error() -> None:
    def press(predictions: list[Value], targets: list[float]) -> Value:
        raise KeyboardInterrupt

    line = Linear()
    history = fit(line, X, Y, loss=press)
    assert history.interrupted
    assert history.steps == 0
    assert data(line) == [W, B]
    assert "interrupted" in repr(history)


def test_ctrl_c_in_the_midst_of_a_step_leaves_the_model_as_the_history_has_it() -> None:
    class Interrupted(SGD):
        steps = 0

        def step(self, cost: Value | None = None) -> None:
            super().step(cost)
            self.steps += 1
            if self.steps == 3:
                self.parameters[0].data = 1e9
                raise KeyboardInterrupt

    line = Linear()
    history = fit(line, X, Y, optimizer=Interrupted(line.parameters(), 0.01))
    assert history.interrupted
    assert history.steps == 2
    assert tuple(data(line)) == history.snapshots[-1].parameters


# What it refuses


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0], "x has 3 points, y has 2"),
        ([1.0], [1.0, 2.0], "x has 1 points, y has 2"),
        ([], [], "no points"),
        ([1.0, NAN], [1.0, 2.0], r"x\[1\] is not finite"),
        ([[1.0], [INF]], [1.0, 2.0], r"x\[1\] is not finite"),
        ([1.0, 2.0], [-INF, 2.0], r"y\[0\] is not finite"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, NAN], r"y\[2\] is not finite"),
        ([1.0, 2.0], [[1.0, 2.0], [3.0, 4.0]], r"y\[0\] must be one number"),
        ([1.0, 2.0], [1.0, []], r"y\[1\]"),
        ([1.0, 2.0], numpy.ones((2, 2)), r"y\[0\] must be one number"),
        (["1", "2"], [1.0, 2.0], r"x\[0\]"),
        ([1.0, 2.0], [1.0, "2"], r"y\[1\]"),
        ("12", [1.0, 2.0], "x must be a sequence"),
        ([1.0, 2.0], "12", "y must be a sequence"),
        (3.0, [1.0], "x must be a sequence"),
        ([1.0], None, "y must be a sequence"),
        (iter([1.0]), [1.0], "x must be a sequence"),
        (numpy.array(1.0), [1.0], "x must be a sequence"),
        ([1.0], numpy.array(1.0), "y must be a sequence"),
        ([1.0, None], [1.0, 2.0], r"x\[1\]"),
        ([True, False], [1.0, 2.0], r"x\[0\]"),
        ([1.0, 2.0], [1.0, 2j], r"y\[1\]"),
        ([Value(1.0)], [1.0], r"x\[0\]"),
        ([1.0, 10**400], [1.0, 2.0], r"x\[1\]"),
        ([[[1.0, 2.0]]], [1.0], r"x\[0\]"),
        ([[1.0], [1.0, 2.0]], [1.0, 2.0], r"x\[1\]"),
    ],
)
def test_points_that_cannot_be_used_are_refused_with_their_row(x: Any, y: Any, said: str) -> None:
    line = Linear()
    with pytest.raises(DataError, match=said):
        fit(line, x, y)
    assert data(line) == [W, B]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"lr": -0.1}, "learning rate"),
        ({"lr": 0.0}, "learning rate"),
        ({"lr": NAN}, "learning rate"),
        ({"lr": INF}, "learning rate"),
        ({"lr": "a"}, "learning rate"),
        ({"tolerance": "a"}, "tolerance"),
        ({"steps": 0}, "steps"),
        ({"steps": -5}, "steps"),
        ({"steps": True}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"steps": "10"}, "steps"),
        ({"tolerance": -1e-9}, "tolerance"),
        ({"tolerance": NAN}, "tolerance"),
        ({"tolerance": INF}, "tolerance"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: dict[str, Any], said: str) -> None:
    line = Linear()
    with pytest.raises(DataError, match=said):
        fit(line, X, Y, **setting)
    assert data(line) == [W, B]


@pytest.mark.parametrize("cost", [3.0, None, [Value(1.0)]])
def test_a_loss_that_gives_no_value_is_refused(cost: Any) -> None:
    with pytest.raises(OperandError, match="loss must return a Value"):
        fit(Linear(), X, Y, loss=lambda *_: cost)


def test_points_with_too_many_features_are_refused() -> None:
    with pytest.raises(DataError, match="takes 1 inputs, not 2"):
        fit(Linear(), [[1.0, 2.0], [3.0, 4.0]], Y)


# How the passes are made


def the_same(x: Any, y: Any, **given: Any) -> tuple[History, History]:
    """Training by a program, and with the graph recorded in every step."""

    class Own(SGD):
        wants_graph = True

    make = given.pop("make", Linear)
    one, other = make(), make()
    lr = given.pop("lr", 0.01)
    programmed = fit(one, x, y, lr=lr, **given)
    recorded = fit(other, x, y, optimizer=Own(other.parameters(), lr), **given)
    assert programmed.recorded == ""
    assert recorded.recorded == "Own may want the graph"
    assert data(one) == pytest.approx(data(other), rel=1e-9, abs=1e-12)
    assert programmed.costs.tolist() == pytest.approx(recorded.costs.tolist(), rel=1e-9)
    return programmed, recorded


@pytest.mark.parametrize("given", [{}, {"batch_size": 3}, {"validation": 0.3}])
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("norris", Linear),
        ("sine", lambda: MLP([1, 5, 4, 1])),
        ("moons", lambda: MLP([2, 5, 1], activation="relu")),
    ],
)
def test_a_program_trains_as_the_engine_does(name: str, make: Any, given: dict[str, Any]) -> None:
    points = load(name)
    lr = 1e-8 if name == "norris" else 0.05
    programmed, recorded = the_same(
        points.x, points.y, make=make, lr=lr, steps=30, tolerance=0.0, **given
    )
    assert programmed.validation == pytest.approx(recorded.validation, rel=1e-9)
    assert programmed.final is not None
    assert programmed.final.data == pytest.approx(programmed.costs[-1], rel=1e-12)


@pytest.mark.parametrize("loss", [half_mse, mse, hinge, binary_cross_entropy])
def test_every_loss_of_ours_compiles(loss: Any) -> None:
    x, y = [0.5, -1.0, 2.0], [1.0, 0.0, 1.0]
    if loss is hinge:
        y = [1.0, -1.0, 1.0]
    the_same(x, y, loss=loss, steps=20, tolerance=0.0)


def test_a_cost_that_is_no_mean_is_recorded_and_says_so() -> None:
    def root(predictions: Any, targets: Any) -> Value:
        return sqrt(mse(predictions, targets))

    line = Linear()
    history = fit(line, X, Y, loss=root, steps=5)
    assert history.recorded == "the cost is not the mean of the costs of single points"


def test_a_model_that_looks_at_its_numbers_is_recorded_in_the_end() -> None:
    """Its operations are the same for all points at the start, and others later."""

    class Bent(Linear):
        def __call__(self, x: Any) -> Any:
            a = super().__call__(x)
            return a * 2.0 if a.data > 15.0 else a

    class Recorded(SGD):
        wants_graph = True

    one, other = Bent(), Bent()
    history = fit(one, X, Y, lr=0.01, steps=50)
    fit(other, X, Y, optimizer=Recorded(other.parameters(), 0.01), steps=50)
    assert "depends on the numbers" in history.recorded
    assert data(one) == data(other)


def test_callbacks_see_the_graph_and_change_nothing() -> None:
    line, alone = Linear(), Linear()
    seen: list[float] = []

    def look(step: int, cost: Value, model: Any) -> None:
        seen.append(cost.data)
        assert cost.op is not None
        assert any(parameter.grad for parameter in model.parameters())

    history = fit(line, X, Y, lr=0.1, steps=20, callbacks=[look])
    fit(alone, X, Y, lr=0.1, steps=20)
    assert data(line) == data(alone)
    assert seen == pytest.approx(history.costs.tolist(), rel=1e-12)


def test_callbacks_may_change_the_parameters() -> None:
    line = Linear()

    def clip(step: int, cost: Value, model: Any) -> None:
        for parameter in model.parameters():
            parameter.data = min(max(parameter.data, -2.0), 2.0)

    fit(line, X, Y, lr=0.01, steps=200, callbacks=[clip])
    assert line.parameters()[0].data <= 2.0


# Data that does not fit into memory


def test_batches_may_come_one_after_the_other() -> None:
    line, by_hand = Linear(), Linear()
    rng = numpy.random.default_rng(0)
    given = [(x, 8.0 * x + 3.0) for x in rng.normal(size=(40, 7))]
    history = fit(line, iter(given), lr=0.1, steps=1000)
    assert history.steps == 40
    assert len(history.costs) == 41
    for x, y in given:
        fit(by_hand, x, y, lr=0.1, steps=1)
    assert data(line) == pytest.approx(data(by_hand), rel=1e-12)


def test_no_more_batches_are_taken_than_steps() -> None:
    taken: list[int] = []

    def endless() -> Iterator[Any]:
        while True:
            taken.append(1)
            yield X, Y

    history = fit(Linear(), endless(), lr=0.01, steps=5, tolerance=0.0)
    assert history.steps == 5
    assert len(taken) == 6


@pytest.mark.parametrize(
    ("batches", "said"),
    [
        (3.0, "y must be a sequence"),
        ([], "there are no batches"),
        ([1.0], "batch 0 is 1.0"),
        ([(X, Y), (X, [1.0])], "x has 2 points, y has 1"),
        ([(X, [1.0, math.nan])], r"y\[1\] is not finite"),
    ],
)
def test_what_are_no_batches(batches: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        fit(Linear(), batches)


@pytest.mark.parametrize("setting", [{"validation": 0.5}, {"batch_size": 2}, {"checkpoint": "c"}])
def test_what_batches_one_after_the_other_cannot_have(setting: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="give x and y"):
        fit(Linear(), [(X, Y)], **setting)


@pytest.mark.parametrize("size", [None, 500])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32"])
def test_arrays_stay_in_their_file(tmp_path: Path, size: int | None, dtype: str) -> None:
    rng = numpy.random.default_rng(0)
    x = rng.integers(-5, 5, size=20_000).astype(dtype)
    numpy.save(tmp_path / "x.npy", x)
    numpy.save(tmp_path / "y.npy", 8 * x + 3)
    files = [numpy.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    line, alone = Linear(), Linear()
    history = fit(line, *files, lr=0.05, steps=300, batch_size=size, tolerance=0.0)
    fit(alone, x.tolist(), (8 * x + 3).tolist(), lr=0.05, steps=300, tolerance=0.0)
    assert history.recorded == ""
    assert data(line) == pytest.approx(data(alone), rel=1e-5 if size else 1e-12)


def test_a_csv_file_is_read_in_batches(tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    xs = numpy.linspace(-1.0, 1.0, 1001).tolist()
    file.write_text("\n\ufeffx;y\n".lstrip() + "".join(f"{x!r};{8 * x + 3!r}\n\n" for x in xs))
    batches = list(read_csv_batches(file, rows=100))
    assert [len(x) for x, _ in batches] == [100] * 10 + [1]
    assert numpy.concatenate([x[:, 0] for x, _ in batches]).tolist() == xs
    line = Linear()
    every = (batch for _ in range(30) for batch in read_csv_batches(file, rows=100))
    history = fit(line, every, lr=0.5, tolerance=0.0)
    assert history.steps == 330
    assert data(line) == pytest.approx([8.0, 3.0], abs=1e-6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("x,y\n1,2\n3,4\n5,six\n", r"line 4, column 'y': 'six' is not a number"),
        ("x,y\n1,2\n3,4\n5\n", "line 4: 1 cells under 2 names"),
        ("x,y\n1,2\n3,4\n5,nan\n", "line 4, column 'y': nan is not a finite number"),
        ("y\n1\n", "only the column 'y'"),
    ],
)
def test_a_batch_that_cannot_be_read_names_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "points.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=said):
        fit(Linear(), read_csv_batches(file, rows=2), lr=1e-6)
