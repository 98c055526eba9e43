"""The report of a check is a table, as text and as HTML."""

from __future__ import annotations

import math

from tinygrad_lin.check.report import Entry, Report

RIGHT = Entry("w", 2.0, "reverse", 3.0, 3.0, math.nan, 0.0, 1e-12, 3e-6, 0.1, "", "ok")


def test_a_report_is_ok_unless_an_entry_is_wrong() -> None:
    assert Report((RIGHT, RIGHT._replace(verdict="unclear"))).ok
    assert not Report((RIGHT, RIGHT._replace(verdict="wrong"))).ok


def test_a_number_that_does_not_exist_is_a_dash() -> None:
    head, line = str(Report((RIGHT,))).splitlines()
    assert head.split() == list(Entry._fields)
    assert line.split() == ["w", "2", "reverse", "3", "3", "-", "0", "1e-12", "3e-06", "0.1", "ok"]


def test_a_label_cannot_leave_its_cell() -> None:
    report = Report((RIGHT._replace(label="<b>\n"),))
    assert len(str(report).splitlines()) == 2
    assert "<td>&lt;b&gt; </td>" in report._repr_html_()
