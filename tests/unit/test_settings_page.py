"""docs/settings.md names every setting, as the model describes it."""

from pathlib import Path

from fleetbpf.manifest.settings import variable
from fleetbpf.model.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_has_a_row_for_each_setting() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = [
        f"| `{name}` | `{variable(name)}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    assert [row for row in rows if row not in text] == []
