"""Write a record by hand, as if a job had made it.

write_record(Record(run, "losses"), json.dumps({"train": [1.0], "other": [2.0]}))
"""

from experiments.runs.manifest import Entry, digest, write_entries
from experiments.runs.record import Record


def write_record(
    record: Record, content: str, machine: str = "a machine; float32", seconds: float = 0.0
) -> None:
    """Write the record's file, and enter it into its run's manifest."""
    record.path.parent.mkdir(parents=True, exist_ok=True)
    record.path.write_text(content, encoding="utf-8")
    entry = Entry(digest(record.files), record.sources(), machine, seconds)
    write_entries(record.run.folder, record.run.key, {record.name: entry})
