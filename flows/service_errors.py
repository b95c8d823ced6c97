"""What can go wrong between us and Prefect's processes, in the order of a start."""

from dataclasses import dataclass
from pathlib import Path

from rules.errors import TuoqiError


class ServiceError(TuoqiError):
    """Prefect's processes could not start or stay."""


@dataclass(eq=False)
class PortTaken(ServiceError):
    """Something else listens there; nothing was started."""

    port: int
    reason: str
    setting: str = "TUOQI_PORT"
    zh = "端口 {port} 不能使用（{reason}）；请关闭占用它的程序，或换一个端口，例如 {setting}=4300 tuoqi up。"
    en = "port {port} cannot be used ({reason}); stop what holds it, or choose another: {setting}=4300 tuoqi up."


@dataclass(eq=False)
class AlreadyUp(ServiceError):
    """Another service works in the same folder."""

    folder: Path
    zh = "{folder} 中已有一个服务在运行；请先停止它，或用 TUOQI_VAR_DIR 指定其他文件夹。"
    en = "a service already runs in {folder}; stop it first, or choose another folder: TUOQI_VAR_DIR."


@dataclass(eq=False)
class Elsewhere(ServiceError):
    """Another server is set: this machine runs parts of a service, not all of one."""

    url: str
    zh = "已设置 TUOQI_PREFECT_URL={url}，本机不单独运行全部服务；请用 tuoqi up server、services、worker 等启动各部分。"
    en = "TUOQI_PREFECT_URL={url} is set, so not all of it runs here; start the parts: tuoqi up server, worker, ..."


@dataclass(eq=False)
class ChildDied(ServiceError):
    """The server, the worker, the answer page or the registration of the jobs ended by itself."""

    name: str
    code: int | None
    log: Path
    zh = "{name} 意外结束（退出码 {code}）；原因见 {log}，排除后请重新启动。"
    en = "the {name} ended unexpectedly (exit code {code}); see {log}, then start again."


@dataclass(eq=False)
class Unanswered(ServiceError):
    """The server does not answer, or only that it is busy."""

    url: str
    zh = "调度服务 {url} 没有应答；请查看 logs 文件夹中的 server.log，然后重新启动。"
    en = "the server at {url} does not answer; see server.log in the logs folder, then start again."


@dataclass(eq=False)
class TooSlow(ServiceError):
    """The awaited thing did not happen in time."""

    name: str
    seconds: float
    zh = "等待 {name} 超过 {seconds:.0f} 秒；请查看 logs 文件夹或页面上的运行记录。"
    en = "waited more than {seconds:.0f} s for {name}; see the logs folder, or the run in the UI."


@dataclass(eq=False)
class NoSuchJob(ServiceError):
    """No deployment has that name."""

    name: str
    zh = "没有名为 {name} 的任务；请用 tuoqi run --help 查看任务名称。"
    en = "there is no job named {name}; `tuoqi run --help` lists them."


@dataclass(eq=False)
class Refused(ServiceError):
    """The values given do not fit the form of the job."""

    name: str
    detail: str
    zh = "任务 {name} 的参数不符合要求：{detail}；请改正后再运行。"
    en = "the values do not fit the job {name}: {detail}; correct them, then run it again."
