"""What Ansible itself makes of templates: a program of its own.

stdin: {"variables", "templates"}; stdout: for each template its value, or {"error": text}.
"""

import json
import sys
from typing import Any


def main() -> None:
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar, trust_as_template

    asked = json.load(sys.stdin)
    templar = Templar(loader=DataLoader(), variables=asked["variables"])

    def answer(text: str) -> Any:
        try:
            return {"value": json.loads(json.dumps(templar.template(trust_as_template(text))))}
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}

    json.dump([answer(text) for text in asked["templates"]], sys.stdout)


if __name__ == "__main__":
    main()
