"""yuuki's message models as reader and writer of Commands and Responses: yuuki_models.py CHECKOUT

Each line of stdin is a JSON object with `id`, `kind` and `document`; the answer to it is one with `id` and either `written`, what the
models make of the document, or `error`. The module is entered without the package around it, which starts transports.
"""

import enum
import importlib.util
import json
import pathlib
import sys

path = pathlib.Path(sys.argv[1]) / "yuuki/openc2/oc2_types.py"
specification = importlib.util.spec_from_file_location("oc2_types", path)
models = importlib.util.module_from_spec(specification)
sys.modules["oc2_types"] = models
specification.loader.exec_module(models)


def through(kind, document):
    content = {"response" if kind == "response" else "request": document}
    message = models.OC2Msg.init_from_dict({"headers": {"request_id": "a"}, "body": {"openc2": content}})
    model = getattr(message.body.openc2, *content)
    members = {name: getattr(model, name) for name in model.keys_for_serializing()}
    return {name: value.value if isinstance(value, enum.Enum) else value for name, value in members.items()}


for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = {"written": json.dumps(through(asked["kind"], json.loads(asked["document"])))}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"id": asked["id"], **answer}), flush=True)
