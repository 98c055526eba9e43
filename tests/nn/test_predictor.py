"""A model with the names of its columns, written to a file and read back."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygrad_lin import MLP, DataError, Linear
from tinygrad_lin.nn.predictor import Predictor

MODEL = {
    "format": 1,
    "model": "Linear",
    "inputs": 2,
    "outputs": 1,
    "features": ["a", "b"],
    "target": "t",
    "probability": False,
    "parameters": {"w[0]": 2.0, "w[1]": -3.0, "b": 5.0},
}


def test_a_model_read_from_its_file_knows_its_columns_and_predicts(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps(MODEL), encoding="utf-8")
    predictor = Predictor.read(path)
    assert (predictor.inputs, predictor.features, predictor.target) == (2, ("a", "b"), "t")
    assert predictor([10.0, 1.0]) == [2.0 * 10.0 - 3.0 * 1.0 + 5.0]
    assert json.loads(predictor.to_json()) == MODEL


@pytest.mark.parametrize("model", [Linear(2, 3), MLP([2, 4, 3])])
def test_a_predictor_written_and_read_predicts_the_same(
    tmp_path: Path, model: Linear | MLP
) -> None:
    path = tmp_path / "model.json"
    path.write_text(Predictor(model, ("a", "b"), "t").to_json(), encoding="utf-8")
    outputs = model([0.3, -0.7])
    assert isinstance(outputs, list)
    assert Predictor.read(path)([0.3, -0.7]) == [output.data for output in outputs]


def test_a_logit_is_given_as_a_probability() -> None:
    line = Linear()
    line.parameters()[0].data, line.parameters()[1].data = 1.0, 0.0
    assert Predictor(line, probability=True)([math.log(3.0)]) == pytest.approx([0.75], rel=1e-15)


def test_a_prediction_beyond_the_floats_is_refused() -> None:
    line = Linear()
    line.parameters()[0].data = 1e300
    with pytest.raises(DataError, match="is not finite"):
        Predictor(line)([1e99])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(changes=st.dictionaries(st.sampled_from([*MODEL, "sizes", "activation"]), JSON))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_to_a_model_gives_a_model_or_a_dataerror(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = tmp_path / "changed.json"
    path.write_text(json.dumps({**MODEL, **changes}), encoding="utf-8")
    try:
        predictor = Predictor.read(path)
    except DataError:
        return
    try:
        predictions = predictor([1.0] * predictor.inputs)
    except DataError:
        return
    assert all(isinstance(p, float) for p in predictions)
