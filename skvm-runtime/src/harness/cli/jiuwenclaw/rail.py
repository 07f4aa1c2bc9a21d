"""Writes down what happens, an event a line, and puts the skill's text into the prompt."""

import json
import os

from openjiuwen.harness.prompts import PromptSection
from openjiuwen.harness.rails.base import DeepAgentRail

try:
    # It would leave a history of its own in the working directory.
    from openjiuwen.harness.tools import filesystem

    async def _nothing(*_, **__):
        return None

    filesystem._append_op_history = _nothing
except Exception:
    pass


def plain(value):
    for name in ("model_dump", "dict"):
        method = getattr(value, name, None)
        if callable(method):
            try:
                return method()
            except Exception:
                pass
    if value is None or isinstance(value, (dict, list, str, int, float, bool)):
        return value
    return getattr(value, "__dict__", str(value))


def write(kind, **fields):
    line = json.dumps({"type": kind, **fields}, default=str)
    with open(os.environ["SKVM_EVENTS"], "a", encoding="utf-8") as events:
        events.write(line + "\n")


class SkvmRail(DeepAgentRail):
    priority: int = 1

    def init(self, agent):
        self._builder = getattr(agent, "system_prompt_builder", None)

    async def before_model_call(self, ctx):
        path = os.environ.get("SKVM_INJECTION")
        if path and self._builder is not None:
            with open(path, encoding="utf-8", newline="") as file:
                text = file.read()
            section = PromptSection(name="skvm", content={"cn": text, "en": text}, priority=99)
            self._builder.add_section(section)
        write("before_model_call")

    async def after_model_call(self, ctx):
        write("after_model_call", response=plain(ctx.inputs.response))

    async def on_model_exception(self, ctx):
        error, chain = ctx.exception, []
        while error is not None and len(chain) < 8:
            status = getattr(error, "status_code", None)
            chain.append({"kind": type(error).__name__, "message": str(error), "status": status})
            error = error.__cause__ or error.__context__
        write("on_model_exception", chain=chain)

    async def before_tool_call(self, ctx):
        write("before_tool_call", name=ctx.inputs.tool_name)

    async def after_tool_call(self, ctx):
        write(
            "after_tool_call",
            name=ctx.inputs.tool_name,
            arguments=ctx.inputs.tool_args,
            result=plain(ctx.inputs.tool_result),
            message=plain(ctx.inputs.tool_msg),
        )

    async def on_tool_exception(self, ctx):
        write("on_tool_exception", name=ctx.inputs.tool_name, error=str(ctx.exception))
