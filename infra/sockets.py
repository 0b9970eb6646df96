"""The WebSocket API: one function answers all of its routes, and decides itself who may connect.

LocalStack's community edition has no WebSocket APIs: its template has none, and functions there find no `push_url`.
"""

from __future__ import annotations

from typing import Any

STAGE = "live"
API = "WebSocketApi"
ROUTES = {"Connect": "$connect", "Disconnect": "$disconnect", "Default": "$default"}


def resources(function_id: str, stack: str) -> dict[str, Any]:
    """The API with its routes to one function, its stage, and where to find it.

    Parameters
    ----------
    function_id : str
        The function's name in CloudFormation.
    stack : str
        Prefix of names.
    """
    integration = {
        "ApiId": {"Ref": API},
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": {
            "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
            f"${{{function_id}.Arn}}/invocations"
        },
    }
    stage = {
        "ApiId": {"Ref": API},
        "StageName": STAGE,
        "AutoDeploy": True,  # a Deployment of its own is not known to every emulator
        "DefaultRouteSettings": {
            "ThrottlingRateLimit": {"Ref": "ApiRequestsPerSecond"},
            "ThrottlingBurstLimit": {"Ref": "ApiBurst"},
        },
    }
    api = {
        "Name": f"{stack}-live",
        "ProtocolType": "WEBSOCKET",
        "RouteSelectionExpression": "$request.body.action",
    }
    return {
        "Resources": {
            API: {"Type": "AWS::ApiGatewayV2::Api", "Properties": api},
            "WebSocketIntegration": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": integration},
            **{f"WebSocket{name}": _route(key) for name, key in ROUTES.items()},
            "WebSocketStage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": stage},
        },
        "Outputs": {
            "WebSocketId": {"Value": {"Ref": API}, "Description": "Id of the WebSocket API."},
            "WebSocketUrl": {
                "Value": {"Fn::Sub": f"wss://${{{API}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{STAGE}"},
                "Description": "Address of the WebSocket API at AWS; a local cloud has its own.",
            },
        },
    }


def source() -> dict[str, str]:
    """What calls the function: any route of the API."""
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{{API}}}/*"}


def push_url(*, is_local: bool) -> dict[str, str]:
    """Where functions write to connections: AWS's own address, or the emulator's."""
    emulated = f"${{AwsEndpointUrl}}/_aws/execute-api/${{{API}}}/{STAGE}"
    own = f"https://${{{API}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{STAGE}"
    return {"Fn::Sub": emulated if is_local else own}


def _route(key: str) -> dict[str, Any]:
    route = {
        "ApiId": {"Ref": API},
        "RouteKey": key,
        "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "WebSocketIntegration"}]]},
    }
    return {"Type": "AWS::ApiGatewayV2::Route", "Properties": route}
