"""otupy's Producer commands a Consumer: producer.py PORT one on loopback, producer.py PORT DEVICE one behind the broker there.

A line for each answer: the name of the Command, a tab and the status. otupy cannot read pairs that name targets it does not know.
"""

import sys

import otupy
import otupy.profiles.slpf as slpf
from otupy.encoders.json import JSONEncoder
from otupy.transfers.http import HTTPTransfer
from otupy.transfers.mqtt.mqtt_transfer import MQTTTransfer, OpenC2Role

port, devices = int(sys.argv[1]), sys.argv[2:]
who = slpf.Specifiers({})


def send(command):
    if not devices:
        return [otupy.Producer("otupy", JSONEncoder(), HTTPTransfer("127.0.0.1", port)).sendcmd(command)]
    # A transfer over MQTT gives all answers that it ever had, so each Command gets one of its own.
    transfer = MQTTTransfer("127.0.0.1", port, OpenC2Role.Producer, device_id="otupy-producer", response_timeout=30)
    return otupy.Producer("otupy-producer", JSONEncoder(), transfer).sendcmd(command, consumers=devices)


def tell(name, action, target, args=None):
    kind = slpf.Args if action != otupy.Actions.query else otupy.Args
    args = kind({**(args or {}), "response_requested": otupy.ResponseType.complete})
    answers = send(otupy.Command(action, target, args, actuator=who))
    for answer in answers:
        print(name, int(answer.content["status"].value), sep="\t", flush=True)
    return answers[0]


tell("query features", otupy.Actions.query, otupy.Features([otupy.Feature.versions, otupy.Feature.profiles]))
tell("query pairs", otupy.Actions.query, otupy.Features([otupy.Feature.pairs]))
tell("deny ipv4_net", otupy.Actions.deny, otupy.IPv4Net("198.51.100.0/24"))
made = tell(
    "allow ipv4_connection",
    otupy.Actions.allow,
    otupy.IPv4Connection(dst_addr="198.51.100.7", dst_port=443, protocol=otupy.L4Protocol.tcp),
    {"direction": slpf.Direction.ingress},
)
tell("delete slpf:rule_number", otupy.Actions.delete, slpf.RuleID(made.content["results"]["rule_number"]))
