"""A client that knows nothing of almoner but its address: health, reflection, and calls built from reflected messages.

usage: generic_client.py HOST:PORT CERTIFICATES NAME
"""

import pathlib
import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)


def connect(address: str, folder: pathlib.Path, name: str) -> grpc.Channel:
    credentials = grpc.ssl_channel_credentials(
        root_certificates=(folder / "authority.pem").read_bytes(),
        private_key=(folder / f"{name}.key").read_bytes(),
        certificate_chain=(folder / f"{name}.pem").read_bytes(),
    )
    return grpc.secure_channel(address, credentials)


def reason(error: grpc.RpcError) -> str:
    """The ErrorInfo reason among the status's details."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return info.reason
    return "without a reason"


class Reflected:
    """Calls any unary method, with messages built from the server's own descriptors."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.database = ProtoReflectionDescriptorDatabase(channel)
        self.pool = descriptor_pool.DescriptorPool(self.database)

    def services(self) -> list[str]:
        return sorted(self.database.get_services())

    def call(self, service: str, method: str, **fields: object):
        descriptor = self.pool.FindServiceByName(service).FindMethodByName(method)
        request = message_factory.GetMessageClass(descriptor.input_type)(**fields)
        response = message_factory.GetMessageClass(descriptor.output_type)
        unary = self.channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )
        return unary(request, timeout=10)


def main() -> None:
    address, folder, name = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    with connect(address, folder, name) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ["", "almoner.ledger.v1.LedgerService"]:
            answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
            word = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
            print(f"health of {service or 'the server'}: {word}")
        reflected = Reflected(channel)
        for service in reflected.services():
            print(f"service {service}")
        systems = reflected.call("almoner.registry.v1.RegistryService", "ListSystems").systems
        print(f"ListSystems: {len(systems)} systems")
        try:
            reflected.call("almoner.ledger.v1.LedgerService", "GetTrialBalance", system="nowhere")
        except grpc.RpcError as error:
            print(f"GetTrialBalance of an unknown system: {error.code().name} {reason(error)}")


main()
