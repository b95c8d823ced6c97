"""Captures what the official SDKs send, for test_signers.py; run by hand in an environment of its own, see README.md.

a server on loopback that answers nothing useful <- the SDK with made-up keys; what arrived -> FOLDER/NAME.json
"""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from alibabacloud_dysmsapi20170525 import models as ali  # type: ignore[import-not-found]
from alibabacloud_dysmsapi20170525.client import Client  # type: ignore[import-not-found]
from alibabacloud_tea_openapi.models import Config  # type: ignore[import-not-found]
from tencentcloud.common.credential import Credential  # type: ignore[import-not-found]
from tencentcloud.common.profile.client_profile import ClientProfile  # type: ignore[import-not-found]
from tencentcloud.common.profile.http_profile import HttpProfile  # type: ignore[import-not-found]
from tencentcloud.sms.v20210111 import models as ten  # type: ignore[import-not-found]
from tencentcloud.sms.v20210111.sms_client import SmsClient  # type: ignore[import-not-found]

KEY, SECRET = "testId", "testSecret"
PHONES, SIGN = ["13800000001", "13800000002"], "托起"
VALUES = ["李建国", "7月12日 周日", "马街街道养老服务中心~*+&=/%😀"]
caught: list[dict[str, Any]] = []


class Catcher(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        caught.append(
            {
                "method": "POST",
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": body.decode(),
            }
        )
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"Response": {}}')

    def log_message(self, *_: Any) -> None:
        pass


def aliyun(address: str) -> dict[str, Callable[[], Any]]:
    client = Client(Config(access_key_id=KEY, access_key_secret=SECRET, endpoint=address, protocol="HTTP"))
    named = {f"p{number}": value for number, value in enumerate(VALUES, 1)}
    one = {"sign_name": SIGN, "template_code": "SMS_1", "out_id": "call-1"}
    single = ali.SendSmsRequest(phone_numbers=PHONES[0], template_param=json.dumps(named), **one)
    batch = ali.SendBatchSmsRequest(
        phone_number_json=json.dumps(PHONES),
        sign_name_json=json.dumps([SIGN] * 2),
        template_code="SMS_1",
        template_param_json=json.dumps([named] * 2),
        out_id="call-1",
    )
    query = ali.QuerySendDetailsRequest(
        phone_number=PHONES[0], send_date="20260712", page_size=50, current_page=1, biz_id="9006^0"
    )
    return {
        "SendSms": lambda: client.send_sms(single),
        "SendBatchSms": lambda: client.send_batch_sms(batch),
        "QuerySendDetails": lambda: client.query_send_details(query),
    }


def tencent(address: str) -> dict[str, Callable[[], Any]]:
    profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=address))
    client = SmsClient(Credential(KEY, SECRET), "ap-guangzhou", profile)
    numbers = [f"+86{phone}" for phone in PHONES]
    app = {"SmsSdkAppId": "1400006666"}
    texts = {"SignName": SIGN, "TemplateId": "449739", "TemplateParamSet": VALUES, "SessionContext": "call-1"}
    window = {"BeginTime": 1783785600, "EndTime": 1783871999, "Offset": 0, "Limit": 100, "PhoneNumber": numbers[0]}
    bodies: dict[str, dict[str, Any]] = {
        "SendSms": {"PhoneNumberSet": numbers, **texts},
        "PullSmsSendStatus": {"Limit": 100},
        "PullSmsReplyStatus": {"Limit": 100},
        "PullSmsSendStatusByPhoneNumber": window,
    }

    def call(action: str) -> Any:
        request = getattr(ten, f"{action}Request")()
        request.from_json_string(json.dumps(bodies[action] | app))
        return getattr(client, action)(request)

    return {action: partial(call, action) for action in bodies}


def main(which: str, name: str) -> None:
    server = HTTPServer(("127.0.0.1", 18080), Catcher)
    Thread(target=server.serve_forever, daemon=True).start()
    calls = {"aliyun": aliyun, "tencent": tencent}[which]("127.0.0.1:18080")
    for action, call in calls.items():
        with suppress(Exception):  # the answer is of no interest
            call()
        caught[-1]["action"] = action
    server.shutdown()
    text = json.dumps(caught, ensure_ascii=False, indent=1)
    (Path(__file__).parent / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
