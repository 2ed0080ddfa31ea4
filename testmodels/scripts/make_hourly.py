"""series/hourly.csv: twelve weeks of a made-up hourly demand with the temperature beside it.

demand = level + trend + daily shape (flatter at weekends) + weekly shape + heating below 15 degrees + noise
with memory. Everything from one seed, in the standard library, to two decimals.
"""

import csv
import datetime
import math
import random

import cases

HOURS = 12 * 7 * 24
START = datetime.datetime(2024, 1, 1)  # a Monday


def rows():
    draw = random.Random(2024)
    weather, shock = 0.0, 0.0
    for i in range(HOURS):
        when = START + datetime.timedelta(hours=i)
        hour, weekday, weeks = when.hour, when.weekday(), i / 168
        weather = 0.98 * weather + draw.gauss(0, 0.5)
        temperature = 6 + 0.9 * weeks - 4 * math.cos(2 * math.pi * (hour - 3) / 24) + weather
        shock = 0.7 * shock + draw.gauss(0, 1.5)
        morning = math.exp(-((hour - 8) / 2.5) ** 2)
        evening = math.exp(-((hour - 19) / 3.0) ** 2)
        working = 0.55 if weekday >= 5 else 1.0
        demand = (300 + 2.5 * weeks + working * (60 * morning + 35) + 70 * evening
                  + (8 if weekday == 0 else 0) + 3.2 * max(0.0, 15 - temperature) + shock)
        yield when, demand, temperature


def main():
    out = cases.arguments(__doc__).out / "series"
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "hourly.csv", "w", newline="") as f:
        table = csv.writer(f, lineterminator="\n")
        table.writerow(["unique_id", "ds", "y", "temperature"])
        for when, demand, temperature in rows():
            table.writerow(["demand", when.strftime("%Y-%m-%d %H:%M:%S"), f"{demand:.2f}", f"{temperature:.2f}"])


if __name__ == "__main__":
    main()
