"""otupy's Producer commands a Consumer on a port of loopback, and prints a line for each answer: producer.py PORT

A line is the name of the Command, a tab and the status. otupy cannot read pairs that name targets it does not know.
"""

import sys

import otupy
import otupy.profiles.slpf as slpf
from otupy.encoders.json import JSONEncoder
from otupy.transfers.http import HTTPTransfer

port = int(sys.argv[1])
producer = otupy.Producer("otupy", JSONEncoder(), HTTPTransfer("127.0.0.1", port))
who = slpf.Specifiers({})


def tell(name, action, target, args=None):
    kind = slpf.Args if action != otupy.Actions.query else otupy.Args
    args = kind({**(args or {}), "response_requested": otupy.ResponseType.complete})
    answer = producer.sendcmd(otupy.Command(action, target, args, actuator=who))
    print(name, int(answer.content["status"].value), sep="\t", flush=True)
    return answer


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
