"""The indicators once more, as the textbooks write them: plain loops, independent of the code under test."""

import statistics


def sma(values, period):
    return sum(values[-period:]) / period


def wilder_rsi(closes, period):
    """Smoothed from the first move on, over exactly these closes."""
    up = down = 0.0
    for i in range(1, len(closes)):
        move = closes[i] - closes[i - 1]
        up += (max(move, 0) - up) / period
        down += (max(-move, 0) - down) / period
    return 100.0 if down == 0 else 100 - 100 / (1 + up / down)


def bands(closes, period, deviations):
    recent = closes[-period:]
    middle, deviation = statistics.fmean(recent), statistics.pstdev(recent)
    return middle - deviations * deviation, middle + deviations * deviation


def emas(values, period):
    result = [values[0]]
    for value in values[1:]:
        result.append(result[-1] + 2 / (period + 1) * (value - result[-1]))
    return result


def macd_histogram(closes, fast, slow, signal):
    line = [f - s for f, s in zip(emas(closes, fast), emas(closes, slow), strict=True)][slow - 1 :]
    return line[-1] - emas(line, signal)[-1]


def wilder_atr(highs, lows, closes, period):
    ranges = [
        max(h, before) - min(low, before) for h, low, before in zip(highs[1:], lows[1:], closes[:-1], strict=True)
    ]
    average = sum(ranges[:period]) / period
    for true_range in ranges[period:]:
        average = (average * (period - 1) + true_range) / period
    return average
