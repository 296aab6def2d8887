"""A cron job that saves a chart each time. It prints faults only, so cron mails no more."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from chartimg import ChartClient, ChartimgError

OK, FAILED, TRY_LATER = 0, 1, 75
"""75 is EX_TEMPFAIL of sysexits.h: the next run may succeed without any change."""


def main(folder: Path) -> int:
    """Save the chart of this moment in *folder*, and return the exit code."""
    with ChartClient.from_env() as client:
        request = client.request("BTCUSDT", "1D", template="price_psar_adi_v1")
        result = client.fetch(request, deadline=50.0)  # ends well before the next run
    if not result:
        print(result.error.message, file=sys.stderr)
        return TRY_LATER if result.error.retriable else FAILED
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}.png").write_bytes(result.png_bytes)
    return OK


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except ChartimgError as error:  # a wrong setting, or books that can't be reached
        sys.exit(str(error))
