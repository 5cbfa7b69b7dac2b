"""otupy's Consumer with its mock-up of slpf, on a port of loopback: consumer.py PORT

The package of otupy's actuators imports those for clouds and hypervisors too, with everything that they need; only the mock-up
is wanted here, so that package is entered without running it.
"""

import importlib.util
import pathlib
import sys
import types

import otupy
from otupy.transfers.http import HTTPTransfer
from otupy.encoders.json import JSONEncoder

folder = pathlib.Path(otupy.__file__).parent / "actuators"
for name, path in [("otupy.actuators", folder), ("otupy.actuators.slpf", folder / "slpf")]:
    package = types.ModuleType(name)
    package.__path__ = [str(path)]
    sys.modules[name] = package
module = importlib.import_module("otupy.actuators.slpf.mockup_slpf_actuator")

port = int(sys.argv[1])
actuators = {("slpf", "mockup"): module.MockupSlpfActuator()}
consumer = otupy.Consumer("otupy", actuators, JSONEncoder(), HTTPTransfer("127.0.0.1", port))
consumer.run()
