"""Writes the Parquet files beside it: pip install pyarrow; python make.py"""
import datetime
import decimal
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

here = pathlib.Path(__file__).parent
hours = [datetime.datetime(2024, 1, 31, 22) + datetime.timedelta(hours=i) for i in range(4)]

# Long, two row groups, dictionaries, a null and a NaN.
long = pa.table({
    "unique_id": ["a"] * 4 + ["b"] * 4,
    "ds": pa.array(hours * 2, pa.timestamp("us")),
    "y": pa.array([1.5, None, 3.5, 4.5, 10, 20, float("nan"), 40], pa.float64()),
    "holiday": pa.array([True, False, False, True] * 2),
})
pq.write_table(long, here / "long.parquet", row_group_size=5, compression="snappy")

# Wide, each kind of number, dates, another compression, pages of version 2.
wide = pa.table({
    "date": pa.array([datetime.date(2024, 2, 28) + datetime.timedelta(days=i) for i in range(3)], pa.date32()),
    "f32": pa.array([0.5, 1.5, 2.5], pa.float32()),
    "i64": pa.array([-1, 0, 1], pa.int64()),
    "u32": pa.array([4294967295, 0, 1], pa.uint32()),
    "u8": pa.array([255, 0, 1], pa.uint8()),
    "price": pa.array([1, 2, 3], pa.int32()).cast(pa.decimal128(12, 2)),
})
pq.write_table(wide, here / "wide.parquet", compression="zstd", data_page_version="2.0", store_decimal_as_integer=True)

# Decimals as Arrow and Spark write them.
bytes = pa.table({
    "ds": [1, 2, 3],
    "price": pa.array([decimal.Decimal("12.50"), decimal.Decimal("-0.01"), None], pa.decimal128(10, 2)),
    "total": pa.array([decimal.Decimal(10) ** 20, -decimal.Decimal(10) ** 20, decimal.Decimal("0.125")], pa.decimal128(38, 5)),
})
pq.write_table(bytes, here / "bytes.parquet")

# Other forms of timestamps.
for name, unit, options in [("milliseconds", "ms", {}), ("nanoseconds", "ns", {"version": "2.6"}), ("int96", "ns", {"use_deprecated_int96_timestamps": True})]:
    t = pa.table({"ds": pa.array(hours, pa.timestamp(unit)), "y": pa.array([1.0, 2, 3, 4])})
    pq.write_table(t, here / f"{name}.parquet", **options)

# What is refused.
pq.write_table(pa.table({"ds": [1, 2], "y": pa.array([[1.0], [2.0]])}), here / "list.parquet")
pq.write_table(pa.table({"ds": [1, 2], "y": ["high", "low"]}), here / "text.parquet")
