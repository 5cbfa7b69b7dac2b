"""The Python package openc2 as reader and writer of Commands and Responses.

Each line of stdin is a JSON object with `id`, `kind` and `document`; the answer to it is one with `id` and either `written`, what the
package makes of the document, or `error`.
"""

import json
import sys

import openc2

for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = {"written": openc2.parse(asked["document"]).serialize()}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"id": asked["id"], **answer}), flush=True)
