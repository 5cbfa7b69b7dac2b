"""yuuki's message models as reader and writer of Commands, Responses and messages: yuuki_models.py MODULE

Each line of stdin is a JSON object with `id`, `kind` and `document`; the answer to it is one with `id` and either `written`, what the
models make of the document, or `error`. A message is read and written by the calls that yuuki's Consumer makes. The module is entered
without the package around it, which starts transports.
"""

import importlib.util
import json
import sys

specification = importlib.util.spec_from_file_location("openc2_types", sys.argv[1])
models = importlib.util.module_from_spec(specification)
sys.modules["openc2_types"] = models
specification.loader.exec_module(models)


def through_message(document):
    return models.OpenC2Msg(**document).dict(by_alias=True, exclude_unset=True, exclude_none=True)


def through(kind, document):
    if kind == "message":
        return through_message(document)
    name = "response" if kind == "response" else "request"
    return through_message({"body": {"openc2": {name: document}}})["body"]["openc2"][name]


for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = {"written": json.dumps(through(asked["kind"], json.loads(asked["document"])))}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"id": asked["id"], **answer}), flush=True)
