import argparse
import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

SOURCE = Path("orders.csv")
TARGET = Path("out/summary.json")


def parse_amount(text):
    """Turn '1,234.50 EUR' into a number; None when there is none."""
    cleaned = text.replace(",", "").replace("EUR", "").strip()
    try:
        return float(cleaned)
    except ValueError:
        return None


def read_rows(path, delimiter=","):
    with open(path, newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle, delimiter=delimiter)
        for number, row in enumerate(reader, start=2):
            amount = parse_amount(row.get("amount", ""))
            if amount is None:
                print(f"line {number}: no amount in {row!r}", file=sys.stderr)
                continue
            yield row["customer"], row["month"], amount


def totals(rows, minimum):
    by_customer = defaultdict(lambda: {"count": 0, "total": 0.0, "months": set()})
    for customer, month, amount in rows:
        if amount < minimum:
            continue
        entry = by_customer[customer]
        entry["count"] += 1
        entry["total"] += amount
        entry["months"].add(month)
    return {
        name: {**entry, "months": sorted(entry["months"]), "total": round(entry["total"], 2)}
        for name, entry in sorted(by_customer.items())
    }


parser = argparse.ArgumentParser(description="Summarise orders by customer.")
parser.add_argument("--minimum", type=float, default=0.5)
parser.add_argument("--top", type=int, default=10)
options = parser.parse_args()

result = totals(read_rows(SOURCE), options.minimum)
best = sorted(result.items(), key=lambda item: -item[1]["total"])[: options.top]
TARGET.parent.mkdir(parents=True, exist_ok=True)
TARGET.write_text(json.dumps(dict(best), indent=2, ensure_ascii=False), encoding="utf-8")
summarise(result)
print(json.dumps({"customers": len(result), "written": str(TARGET)}))
