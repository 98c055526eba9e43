"""predict: what fit has learned, or a model that was saved, used on a table."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cli.commands import COMMAND, refusal, run

from tinygrad_lin import MLP, Linear, load

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
TABLE = "b,note,a\n1,?,10\n2,!,20\n"  # 2 · 10 - 3 · 1 + 5 = 22 and 2 · 20 - 3 · 2 + 5 = 39


@pytest.fixture(autouse=True)
def model_and_table(here: Path) -> None:
    (here / "table.csv").write_text(TABLE, encoding="utf-8")
    write(MODEL)


def write(content: Any, path: str = "model.json") -> None:
    Path(path).write_text(json.dumps(content), encoding="utf-8")


def table(*arguments: str, stdin: str | None = None) -> list[list[str]]:
    result = run("predict", *arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, "")
    return list(csv.reader(io.StringIO(result.stdout)))


def refused(*arguments: str) -> str:
    return refusal(run("predict", *arguments))


def test_columns_are_found_by_name_and_predictions_stand_beside_them() -> None:
    assert table("model.json", "table.csv") == [
        ["a", "b", "prediction"],
        ["10.0", "1.0", "22.0"],
        ["20.0", "2.0", "39.0"],
    ]


FORMULAS = [
    "=1+1",
    "+x",
    "-1+x",
    "@x",
    "＝x",
    "\ufeff=x",
    '=cmd|"/c calc"!A1',
    "a;=x",
    "a\r=x",
    "'=x",
]


@pytest.mark.parametrize("name", ["a", "'a'", "a,b", 'a"b', "a\tb", *FORMULAS])
def test_names_are_no_formulas_to_a_spreadsheet_and_are_read_back(here: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    (here / "t.csv").write_bytes(f"note,{quoted},b\n?,10,-1\n".encode())
    known = name.removeprefix("'") if name in FORMULAS else name
    write({**MODEL, "features": [known, "b"]})
    assert run("predict", "model.json", "t.csv", "--out", "p.csv").exit_code == 0
    written = (here / "p.csv").read_text(encoding="utf-8")
    for separator in ",;\t":  # whichever a spreadsheet takes
        for row in csv.reader(io.StringIO(written, newline=""), delimiter=separator):
            for cell in row:
                assert cell[:1] not in {*"=+@＝＋－＠\ufeff"}
                assert cell[:1] != "-" or float(cell) < 0 or separator != ","
    assert written.endswith("10.0,-1.0,28.0\n")  # 2 · 10 - 3 · -1 + 5
    again = run("predict", "model.json", "p.csv", "--json")
    assert json.loads(again.stdout)["predictions"] == [28.0]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_on_a_terminal_a_name_is_text_and_elsewhere_it_is_as_it_was(here: Path) -> None:
    name = "a\x1b[31m"
    (here / "t.csv").write_text(f"{name},b\n10,-1\n", encoding="utf-8")
    write({**MODEL, "features": [name, "b"]})
    command = [*COMMAND, "predict", "model.json", "t.csv"]
    screen, terminal = os.openpty()
    assert subprocess.run(command, stdout=terminal, check=False).returncode == 0
    os.close(terminal)
    assert os.read(screen, 1000) == b"a [31m,b,prediction\r\n10.0,-1.0,28.0\r\n"
    os.close(screen)
    piped = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout
    assert piped == b"a\x1b[31m,b,prediction\n10.0,-1.0,28.0\n"


def test_predict_as_json_prints_one_object() -> None:
    result = run("predict", "model.json", "table.csv", "--json")
    assert json.loads(result.stdout) == {"predictions": [22.0, 39.0], "files": []}


def test_the_file_of_predictions_holds_what_would_be_printed() -> None:
    printed = run("predict", "model.json", "table.csv").stdout
    result = run("predict", "model.json", "table.csv", "--out", "p.csv")
    assert result.stdout == "wrote p.csv\n"
    assert Path("p.csv").read_text(encoding="utf-8") == printed
    got = json.loads(run("predict", "model.json", "table.csv", "--out", "q.csv", "--json").stdout)
    assert got == {"predictions": [22.0, 39.0], "files": ["q.csv"]}


def test_a_dash_reads_standard_input_and_one_row_or_none_will_do() -> None:
    assert table("model.json", "-", stdin="a;b\n1;1\n")[1:] == [["1.0", "1.0", "4.0"]]
    assert table("model.json", "-", stdin="a,b\n") == [["a", "b", "prediction"]]


@pytest.mark.parametrize("more", [[], ["--standardize"]])
@pytest.mark.parametrize("name", ["line", "norris", "longley"])
def test_what_newton_has_learned_predicts_in_the_units_of_the_data(
    name: str, more: list[str]
) -> None:
    assert run("fit", name, "--optimizer", "newton", *more).exit_code == 0
    data = load(name)
    *weights, bias = data.truth
    got = [float(row[-1]) for row in table("out/model.json", name)[1:]]
    truth = [sum(w * v for w, v in zip(weights, row)) + bias for row in data.x]
    assert got == pytest.approx(truth, rel=1e-8)


def test_a_net_that_was_saved_in_python_predicts_what_it_does_there() -> None:
    net = MLP([2, 3, 2], "sin")
    net.save("net.json")
    got = table("net.json", "moons")
    assert got[0] == ["x1", "x2", "prediction[0]", "prediction[1]"]
    first = [a.data for a in net(load("moons").x[0])]
    assert [float(cell) for cell in got[1][2:]] == first
    printed = json.loads(run("predict", "net.json", "moons", "--json").stdout)
    assert printed["predictions"][0] == first


def test_a_model_that_does_not_name_its_columns_takes_a_table_of_them_alone() -> None:
    line = Linear(2)
    line.save("line.json")
    Path("alone.csv").write_text("p,q\n1,2\n", encoding="utf-8")
    (row,) = table("line.json", "alone.csv")[1:]
    assert float(row[-1]) == line([1.0, 2.0]).data
    assert "table.csv should have them alone, not b, note, a" in refused("line.json", "table.csv")


def test_logits_become_probabilities() -> None:
    write({**MODEL, "probability": True})
    got = [row[-1] for row in table("model.json", "-", stdin="a,b\n-1,1\n500,1\n-500,1\n")[1:]]
    assert [float(p) for p in got] == [0.5, 1.0, 0.0]  # of 0, 1002 and -998


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "Forest"}, "holds a 'Forest'"),
        ({"model": ["MLP"]}, "known are Linear and MLP"),
        ({"format": 2}, "'format': 2"),
        ({"inputs": 3}, "not have as many parameters"),
        ({"inputs": 10**9, "outputs": 10**9}, "not have as many parameters"),
        ({"model": "MLP"}, "has no 'sizes'"),
        ({"model": "MLP", "sizes": None}, "not a saved model"),
        ({"model": "MLP", "sizes": ["2", "1"]}, "not a saved model"),
        ({"model": "MLP", "sizes": [2, 1], "activation": "cube"}, "no activation 'cube'"),
        ({"parameters": {"w[0]": 1.0, "w[1]": 2.0, "c": 3.0}}, "has the parameters"),
        ({"parameters": {"w[0]": 1.0, "w[1]": 2.0, "b": "3"}}, "not a saved model"),
        ({"parameters": {"w[0]": 1.0, "w[1]": 2.0, "b": 10**400}}, "too large"),
        ({"parameters": {"w[0]": 1.0, "w[1]": 2.0, "b": float("nan")}}, "not finite"),
        ({"features": ["a"]}, "names of the model's columns"),
        ({"features": ["a", 1]}, "names of the model's columns"),
        ({"features": None}, "not a saved model"),
        ({"target": None}, "names of the model's columns"),
        ({"probability": "yes"}, "names of the model's columns"),
    ],
)
def test_a_broken_model_is_one_line(changes: dict[str, Any], said: str) -> None:
    write({**MODEL, **changes})
    assert said in refused("model.json", "table.csv")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"null", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_model_is_one_line(content: bytes) -> None:
    Path("broken.json").write_bytes(content)
    assert "broken.json is not a saved model" in refused("broken.json", "table.csv")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "MODEL.json"),
        (["model.json"], "FILE.csv"),
        (["nothing.json", "table.csv"], "nothing.json"),
        (["folder", "table.csv"], "folder"),
        (["table.csv", "table.csv"], "table.csv is not a saved model"),
        (["model.json", "nothing.csv"], "'nothing.csv'"),
        (["model.json", "folder"], "folder"),
        (["model.json", "norris"], "takes the columns a, b; 'norris' has x"),
        (["model.json", "other.csv"], "other.csv, line 1: no column 'b'; there are a, c"),
        (["model.json", "text.csv"], "text.csv, line 2, column 'b': 'two' is not a number"),
        (["model.json", "huge.csv"], "huge.csv: numbers above 1e+100"),
        (["model.json", "empty.csv"], "empty.csv is empty"),
        (["model.json", "table.csv", "--out", "folder"], "folder"),
        (["model.json", "table.csv", "--out", "no/p.csv"], "no/p.csv"),
    ],
)
def test_what_cannot_be_predicted_is_one_line_and_nothing_written(
    here: Path, arguments: list[str], said: str
) -> None:
    (here / "folder").mkdir()
    (here / "other.csv").write_text("a,c\n1,2\n", encoding="utf-8")
    (here / "text.csv").write_text("a,b\n1,two\n", encoding="utf-8")
    (here / "huge.csv").write_text("a,b\n1,1e300\n", encoding="utf-8")
    (here / "empty.csv").write_text("", encoding="utf-8")
    before = sorted(here.rglob("*"))
    assert said in refused(*arguments)
    assert sorted(here.rglob("*")) == before


def test_a_prediction_that_is_no_number_is_refused() -> None:
    MLP([1, 1, 1], "exp").save("exp.json")
    Path("far.csv").write_text("x\n-1e9\n1e9\n", encoding="utf-8")
    assert "exp" in refused("exp.json", "far.csv")
    write({**MODEL, "parameters": {"w[0]": 1e300, "w[1]": 0.0, "b": 0.0}})
    Path("big.csv").write_text("a,b\n1e99,0\n", encoding="utf-8")
    assert "is not finite" in refused("model.json", "big.csv")


def test_a_column_called_prediction_is_told_from_the_prediction(here: Path) -> None:
    Path("points.csv").write_text("prediction,y\n1,2\n2,4\n3,6\n", encoding="utf-8")
    assert run("fit", "points.csv", "--y", "y").exit_code == 0
    first, *rows = run("predict", "out/model.json", "points.csv").stdout.splitlines()
    assert first == "prediction,prediction_"
    assert [float(row.split(",")[1]) for row in rows] == pytest.approx([2.0, 4.0, 6.0], rel=1e-6)
