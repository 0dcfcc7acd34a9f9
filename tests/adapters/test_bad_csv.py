"""What the author of a broken CSV file is told: one line, with the line of the file."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.adapters.examples import SHOP, WHOLE, refusal, with_change, write_folder

ROWS = {
    "empty": ("paid.csv", WHOLE, "", "paid.csv:1: expected a header line, got an empty one"),
    "header only": ("paid.csv", WHOLE, "paid,count\n", "paid.csv:1: the table has no rows"),
    "blank first line": ("paid.csv", WHOLE, "\n\npaid,count\n", "paid.csv:1: expected a header line, got an empty one"),
    "measure misspelt": (
        "paid.csv",
        "paid,count",
        "paid,counts",
        "paid.csv:1: missing column 'count', expected: paid, count (and optionally moe), got: paid, counts",
    ),
    "variable misspelt": (
        "paid.csv",
        "paid,count",
        "payed,count",
        "paid.csv:1: missing column 'paid', expected: paid, count (and optionally moe), got: payed, count",
    ),
    "semicolons": (
        "paid.csv",
        WHOLE,
        "paid;count\nby card;60\nin cash;40\n",
        (
            "paid.csv:1: missing column 'paid', expected: paid, count (and optionally moe), got: "
            "paid;count (separate columns by commas)"
        ),
    ),
    "column repeated": ("paid.csv", "paid,count", "paid,paid", "paid.csv:1: column 'paid' appears twice"),
    "column without a name": (
        "paid.csv",
        WHOLE,
        "paid,count,\nby card,60,\nin cash,40,\n",
        "paid.csv:1: column 3 has no name",
    ),
    "column too many": (
        "paid.csv",
        WHOLE,
        "paid,count,remark\nby card,60,a\nin cash,40,b\n",
        "paid.csv:1: unknown column 'remark' (expected one of: paid, count, moe)",
    ),
    "row too short": ("paid.csv", "in cash,40", "in cash", "paid.csv:3: row has 1 field, expected 2: paid, count"),
    "row too long": (
        "paid.csv",
        "in cash,40",
        "in cash,1,040",
        "paid.csv:3: row has 3 fields, expected 2: paid, count (quote a field that holds a comma)",
    ),
    "quote not closed": (
        "paid.csv",
        "in cash,40",
        '"in cash,40',
        "paid.csv:3: not readable as CSV: a quote that is never closed",
    ),
    "quote inside text": (
        "paid.csv",
        "in cash,40",
        '"in" cash,40',
        "paid.csv:3: not readable as CSV: ',' expected after '\"'",
    ),
    "count with separators": (
        "paid.csv",
        "in cash,40",
        'in cash,"1,040"',
        "paid.csv:3: count '1,040' is not a number (write it without thousands separators or signs)",
    ),
    "count as text": ("paid.csv", "in cash,40", "in cash,many", "paid.csv:3: count 'many' is not a number"),
    "count missing": ("paid.csv", "in cash,40", "in cash,", "paid.csv:3: count '' is not a number"),
    "count negative": (
        "paid.csv",
        "in cash,40",
        "in cash,-40",
        "paid.csv:3: count '-40' is out of range, expected a number between 0 and 1e15",
    ),
    "count NaN": (
        "paid.csv",
        "in cash,40",
        "in cash,nan",
        "paid.csv:3: count 'nan' is out of range, expected a number between 0 and 1e15",
    ),
    "count infinite": (
        "paid.csv",
        "in cash,40",
        "in cash,inf",
        "paid.csv:3: count 'inf' is out of range, expected a number between 0 and 1e15",
    ),
    "count huge": (
        "paid.csv",
        "in cash,40",
        "in cash,1e300",
        "paid.csv:3: count '1e300' is out of range, expected a number between 0 and 1e15",
    ),
    "cell repeated": (
        "paid.csv",
        "in cash,40\n",
        "in cash,40\nby card,3\n",
        "paid.csv:4: the cell was already given on line 2",
    ),
    "category misspelt": (
        "paid.csv",
        "in cash",
        "in cahs",
        "paid.csv:3: 'in cahs' is no category of paid (did you mean 'in cash'?)",
    ),
    "category not declared": (
        "paid.csv",
        "in cash",
        "cheque",
        "paid.csv:3: 'cheque' is no category of paid (expected one of: by card, in cash)",
    ),
    "category with a line break": (
        "paid.csv",
        "in cash",
        '"in\ncash"',
        "paid.csv:3: 'in\\ncash' is no category of paid (did you mean 'in cash'?)",
    ),
    "category without row": (
        "paid.csv",
        "in cash,40\n",
        "",
        "paid.csv:1: paid: no row for category 'in cash' (write 0, or state a universe)",
    ),
    "shares not summing to 1": (
        "items_price.csv",
        "5+,100+,0.3",
        "5+,100+,0.2",
        "items_price.csv:1: shares sum to 0.9, expected 1",
    ),
    "bins that overlap in a joint": (
        "items_price.csv",
        "1-4,<100,0.4",
        "1-5,<100,0.4",
        "items_price.csv:3: items: bins '1-4' and '1-5' overlap",
    ),
    "bins that overlap": (
        "items_price.csv",
        WHOLE,
        "items,price,share\n1-4,0+,0.4\n3+,0+,0.6\n",
        "items_price.csv:3: items: bins '1-4' and '3+' overlap",
    ),
    "gap between bins": (
        "items_price.csv",
        WHOLE,
        "items,price,share\n1-3,0+,0.4\n6+,0+,0.6\n",
        "items_price.csv:1: items: bins leave 4-5 without a cell (write 0, or state a universe)",
    ),
    "gap at the end": (
        "items_price.csv",
        WHOLE,
        "items,price,share\n1-4,0+,0.4\n5-7,0+,0.6\n",
        "items_price.csv:1: items: bins leave 8-9 without a cell (write 0, or state a universe)",
    ),
    "gap of one value": (
        "items_price.csv",
        WHOLE,
        "items,price,share\n1-3,0+,0.4\n5+,0+,0.6\n",
        "items_price.csv:1: items: bins leave 4 without a cell (write 0, or state a universe)",
    ),
    "bin below the range": (
        "items_price.csv",
        WHOLE,
        "items,price,share\n0-4,0+,0.4\n5+,0+,0.6\n",
        "items_price.csv:2: items: bin '0-4' leaves the variable's range 1–9",
    ),
    "bin above the range": (
        "items_price.csv",
        WHOLE,
        "items,price,share\n1-4,0+,0.4\n5-12,0+,0.6\n",
        "items_price.csv:3: items: bin '5-12' leaves the variable's range 1–9",
    ),
    "bin unreadable": (
        "items_price.csv",
        WHOLE,
        "items,price,share\n1-4,0+,0.4\nmany,0+,0.6\n",
        "items_price.csv:3: items: cannot read bin 'many', expected '3', '0-4', '[0, 5)' or '65+'",
    ),
    "bin missing": (
        "items_price.csv",
        WHOLE,
        "items,price,share\n1-4,0+,0.4\n,0+,0.6\n",
        "items_price.csv:3: items: cannot read bin '', expected '3', '0-4', '[0, 5)' or '65+'",
    ),
    "bin reversed": (
        "items_price.csv",
        WHOLE,
        "items,price,share\n1-4,0+,0.4\n9-5,0+,0.6\n",
        "items_price.csv:3: items: bin '9-5' is empty",
    ),
    "bin of fractions": (
        "items_price.csv",
        WHOLE,
        'items,price,share\n"[1, 4.5)",0+,0.4\n5+,0+,0.6\n',
        "items_price.csv:2: items: bin '[1, 4.5)' of an integer has a fractional end",
    ),
    "bin of whole numbers for a number": (
        "items_price.csv",
        WHOLE,
        "items,price,share\n1+,0-100,0.4\n1+,100+,0.6\n",
        "items_price.csv:2: price: cannot read bin '0-100', expected '[0, 5)', '65+' or '<5'",
    ),
    "bins that overlap, numbers": (
        "items_price.csv",
        WHOLE,
        'items,price,share\n1+,"[0, 100.25)",0.4\n1+,"[1e2, 500)",0.6\n',
        "items_price.csv:3: price: bins '[0, 100.25)' and '[1e2, 500)' overlap",
    ),
    "gap between numbers": (
        "items_price.csv",
        WHOLE,
        'items,price,share\n1+,"[0, 100.25)",0.4\n1+,"[150, 500)",0.6\n',
        "items_price.csv:1: price: bins leave [100.25, 150) without a cell (write 0, or state a universe)",
    ),
    "bin huge": (
        "items_price.csv",
        WHOLE,
        'items,price,share\n1+,"[0, 1e999)",0.4\n1+,"[150, 500)",0.6\n',
        "items_price.csv:2: price: bin '[0, 1e999)' leaves the variable's range 0–500",
    ),
    "class given in two ways": (
        "items_price.csv",
        WHOLE,
        "items,price,share\n9+,0+,0.4\n9 or more,0+,0.6\n",
        "items_price.csv:3: items: bins '9+' and '9 or more' overlap",
    ),
    "margin of error as text": (
        "paid.csv",
        WHOLE,
        "paid,count,moe\nby card,60,5\nin cash,40,?\n",
        "paid.csv:3: moe '?' is not a number",
    ),
    "margin of error negative": (
        "paid.csv",
        WHOLE,
        "paid,count,moe\nby card,60,\nin cash,40,-1\n",
        "paid.csv:3: moe '-1' is out of range, expected a number between 0 and 1e15",
    ),
}


@pytest.mark.parametrize(("name", "old", "new", "message"), ROWS.values(), ids=ROWS)
def test_broken_csv_is_located_by_line(tmp_path, name, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(SHOP, name, old, new))) == message


@pytest.mark.parametrize(("encoding", "line"), [("latin-1", 3), ("utf-16", 1)])
def test_csv_in_another_encoding_is_refused_with_the_line(tmp_path, encoding, line):
    write_folder(tmp_path, SHOP)
    (tmp_path / "paid.csv").write_bytes("paid,count\nby card,60\nin caf\xe9,40\n".encode(encoding))
    assert refusal(tmp_path) == f"paid.csv:{line}: not UTF-8 text, expected the file saved as UTF-8"


def test_line_of_a_row_is_where_the_row_begins(tmp_path):
    rows = 'paid,count\n"by card",60\n\n"in\n\ncash",40\n'
    message = refusal(write_folder(tmp_path, SHOP | {"paid.csv": rows}))
    assert message == "paid.csv:4: 'in\\n\\ncash' is no category of paid (did you mean 'in cash'?)"


def test_quote_left_open_is_located_where_it_opens_however_long_the_file(tmp_path):
    rows = 'paid,count\n"by card,60\n' + "in cash,40\n" * 20_000
    message = refusal(write_folder(tmp_path, SHOP | {"paid.csv": rows}))
    assert message == "paid.csv:2: not readable as CSV: a quote that is never closed"


@pytest.mark.parametrize("content", [b"", b"PAR1", b"paid,count\nby card,60\n", b"PAR1" + bytes(100) + b"PAR1"])
def test_broken_parquet_is_refused(tmp_path, content):
    write_folder(tmp_path, with_change(SHOP, "scenario.yaml", "file: paid.csv", "file: paid.parquet"))
    (tmp_path / "paid.parquet").write_bytes(content)
    assert refusal(tmp_path).startswith(("paid.parquet: not readable as parquet", "paid.parquet: cannot read the file"))


def test_row_of_a_parquet_table_is_located(tmp_path):
    write_folder(tmp_path, with_change(SHOP, "scenario.yaml", "file: paid.csv", "file: paid.parquet"))
    pq.write_table(pa.table({"paid": ["by card", "in cash"], "count": [60.0, None]}), tmp_path / "paid.parquet")
    assert refusal(tmp_path) == "paid.parquet:2: count '' is not a number"
