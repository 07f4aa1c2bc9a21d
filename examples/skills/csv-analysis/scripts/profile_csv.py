#!/usr/bin/env python3
"""Profile a CSV file and print the result as JSON."""
import argparse
import csv
import json
import math
import statistics
import sys

MISSING = {"", "na", "n/a", "nan", "null", "none", "-"}


def to_number(text):
    """The text as a finite number, or None if it is something else."""
    if "_" in text:  # Python would read 1_000 as a number
        return None
    for kind in (int, float):
        try:
            value = kind(text)
            return value if math.isfinite(value) else None
        except (ValueError, OverflowError):
            continue
    return None


def profile_column(name, cells):
    present = [cell.strip() for cell in cells if cell.strip().lower() not in MISSING]
    result = {"name": name, "type": "empty", "missing": len(cells) - len(present)}
    result.update(unique=len(set(present)), min=None, max=None, mean=None)
    if not present:
        return result
    numbers = [to_number(cell) for cell in present]
    if all(number is not None for number in numbers):
        result["type"] = "integer" if all(isinstance(n, int) for n in numbers) else "number"
        result.update(min=min(numbers), max=max(numbers), mean=round(statistics.fmean(numbers), 6))
    else:
        result.update(type="text", min=min(present), max=max(present))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input", help="CSV file with a header row")
    parser.add_argument("--delimiter", default=",", help=r"one character, or \t for a tab (default: comma)")
    parser.add_argument("--encoding", default="utf-8-sig")
    args = parser.parse_args()
    delimiter = args.delimiter.replace("\\t", "\t")
    if len(delimiter) != 1:
        parser.error("the delimiter must be one character")

    try:
        with open(args.input, newline="", encoding=args.encoding) as handle:
            rows = [row for row in csv.reader(handle, delimiter=delimiter) if row]
    except (OSError, UnicodeError, LookupError, csv.Error) as error:
        print(f"error: {args.input}: {error}", file=sys.stderr)
        return 1
    if not rows:
        print(f"error: {args.input}: the file is empty", file=sys.stderr)
        return 1

    header, body = rows[0], rows[1:]
    ragged = sum(len(row) != len(header) for row in body)
    columns = []
    for index, name in enumerate(header):
        cells = [row[index] if index < len(row) else "" for row in body]
        columns.append(profile_column(name, cells))
    report = {"file": args.input, "rows": len(body), "ragged_rows": ragged, "columns": columns}
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
