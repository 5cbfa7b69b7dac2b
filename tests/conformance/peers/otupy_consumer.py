"""otupy's Consumer with its mock-up of slpf: consumer.py PORT listens on loopback, consumer.py PORT DEVICE goes to the broker there.

The package of otupy's actuators imports those for clouds and hypervisors too, with everything that they need; only the mock-up
is wanted here, so that package is entered without running it.
"""

import importlib.util
import pathlib
import sys
import types

import otupy
from otupy.encoders.json import JSONEncoder
from otupy.transfers.http import HTTPTransfer
from otupy.transfers.mqtt.mqtt_transfer import MQTTTransfer, OpenC2Role

folder = pathlib.Path(otupy.__file__).parent / "actuators"
for name, path in [("otupy.actuators", folder), ("otupy.actuators.slpf", folder / "slpf")]:
    package = types.ModuleType(name)
    package.__path__ = [str(path)]
    sys.modules[name] = package
module = importlib.import_module("otupy.actuators.slpf.mockup_slpf_actuator")

port, devices = int(sys.argv[1]), sys.argv[2:]
if devices:
    transfer = MQTTTransfer("127.0.0.1", port, OpenC2Role.Consumer, profiles=["slpf"], device_id=devices[0])
else:
    transfer = HTTPTransfer("127.0.0.1", port)
actuators = {("slpf", "mockup"): module.MockupSlpfActuator()}
consumer = otupy.Consumer("otupy", actuators, JSONEncoder(), transfer)
consumer.run()
