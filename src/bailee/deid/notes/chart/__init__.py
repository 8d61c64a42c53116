"""What a hospital already knows about the people in a note: lists of identifiers by patient. Finds nothing itself."""

from bailee.deid.notes.chart.charts import Charts, charts_from_columns

__all__ = ["Charts", "charts_from_columns"]
