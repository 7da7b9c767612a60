from __future__ import annotations

from collections import Counter

from unlearnkit.suites.pocket.suite import Pocket


def test_a_few_forget_rows_of_each_subject() -> None:
    whole = Pocket().task()
    few = {count: Pocket(forget_rows=count).task() for count in (1, 4, 20)}
    for count in (1, 4):
        assert Counter(row.subject for row in few[count].splits["forget"]) == dict.fromkeys(
            {row.subject for row in whole.splits["forget"]}, count
        )
        assert set(few[count].splits["forget"]) <= set(whole.splits["forget"])
    assert set(few[1].splits["forget"]) <= set(few[4].splits["forget"])
    more = few[20].splits["forget"]
    assert set(whole.splits["forget"]) < set(more) <= {*whole.splits["forget"], *whole.splits["forget.paraphrased"]}
    assert all(
        task.measured == whole.measured and task.splits["retain"] == whole.splits["retain"] for task in few.values()
    )
