"""The serving loop: admit requests, choose who goes next, let a step pass. One pipeline, many sequences in it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError, UsageError, did_you_mean
from archsim.serving.requests import Requests
from archsim.serving.steps import StepCosts

POLICIES = ("first-come", "shortest-first")
"""Which waiting request is admitted next."""
_ARRIVES, _LEAVES, _READY = range(3)
_REPORT_EVERY = 20_000

_Event = tuple[float, int, int]
"""When (ps), what, whom."""


@dataclass(frozen=True, slots=True)
class Rules:
    """policy: whom to admit next; most: sequences in the machine at a time; chunk: tokens of a prompt that go together.

    Between chunks tokens of other sequences pass; None lets a prompt go whole.
    """

    policy: str = "first-come"
    most: int = 1 << 30
    chunk: int | None = None

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise UsageError(f"found policy '{self.policy}'. {did_you_mean(self.policy, POLICIES)}")


@dataclass(frozen=True, eq=False)
class Served:
    """Times of all requests, ps, float64 (requests,): admitted, first step entered, first token, last token."""

    requests: Requests
    admitted: NDArray[np.float64]
    entered: NDArray[np.float64]
    first: NDArray[np.float64]
    finished: NDArray[np.float64]
    busy: float

    @property
    def span(self) -> float:
        """From the first arrival to the last token, ps."""
        return float(self.finished.max(initial=0.0))


def serve(
    requests: Requests, costs: StepCosts, rules: Rules, progress: Callable[[int, int], None] | None = None
) -> Served:
    """Serve all requests to their end.

    A request is admitted when there is room for all its keys and values. Its prompt then waits for the pipeline, in the
    order in which steps became ready; each token that it makes goes round once more.
    """
    room = costs.kept_tokens()[0]
    needed = requests.prompt + requests.output - 1
    if room is not None and len(requests) and needed.max() > room:
        worst = int(needed.argmax())
        found = f"request {worst + 1} needs room for {needed[worst]:,} tokens, the memories hold {room:,}"
        raise ArchsimError(f"{found}. Try shorter requests, or a larger memory.")
    return _Loop(requests, costs, rules, room).run(progress)


class _Loop:
    """State of a run; lists are indexed by request."""

    def __init__(self, requests: Requests, costs: StepCosts, rules: Rules, room: int | None) -> None:
        self.requests, self.rules = requests, rules
        self.room = math.inf if room is None else room
        self.latency = costs.latency.tolist()
        self.interval = costs.interval.tolist()
        self.filling = costs.filling.tolist()
        # time that a prompt keeps the entry, up to each token: sums of the tokens' own intervals
        self.entry = np.concatenate([[0.0], np.cumsum(costs.prompt_interval[1:])]).tolist()
        self.prompt, self.output = requests.prompt.tolist(), requests.output.tolist()
        self.arrival = requests.arrival.tolist()
        number = len(requests)
        self.done = [0] * number  # positions that have gone in
        self.admitted, self.entered = [0.0] * number, [-1.0] * number
        self.first, self.finished = [0.0] * number, [0.0] * number
        self.waiting: list[tuple[int, int]] = []  # heap of (order, request)
        self.events: list[_Event] = []
        self.ready: list[tuple[float, int]] = []  # heap of (ready, request)
        self.free, self.busy, self.running = 0.0, 0.0, 0
        self.left_last = 0.0
        self.burst = 0  # tokens of prompts that have gone in without a gap

    def run(self, progress: Callable[[int, int], None] | None) -> Served:
        number, arrived, steps = len(self.arrival), 0, 0
        while arrived < number or self.events or self.ready:
            # all that happens before the next step can enter comes first
            begin = max(self.free, self.ready[0][0]) if self.ready else float("inf")
            arrives = self.arrival[arrived] if arrived < number else float("inf")
            event = self.events[0][0] if self.events else float("inf")
            if min(arrives, event) <= begin:
                if arrives <= event:
                    self._arrive(arrived)
                    arrived += 1
                else:
                    self._happen(heappop(self.events))
                continue
            self._step(heappop(self.ready)[1], begin)
            steps += 1
            if progress is not None and steps % _REPORT_EVERY == 0:
                progress(arrived, number)
        return Served(
            self.requests,
            admitted=np.array(self.admitted),
            entered=np.array(self.entered),
            first=np.array(self.first),
            finished=np.array(self.finished),
            busy=self.busy,
        )

    def _arrive(self, request: int) -> None:
        order = request if self.rules.policy == "first-come" else self.prompt[request] + self.output[request]
        heappush(self.waiting, (order, request))
        self._admit(float(self.arrival[request]))

    def _admit(self, now: float) -> None:
        while self.waiting and self.running < self.rules.most:
            request = self.waiting[0][1]
            tokens = self.prompt[request] + self.output[request] - 1
            if tokens > self.room:
                return
            heappop(self.waiting)
            self.room -= tokens
            self.running += 1
            self.admitted[request] = now
            heappush(self.ready, (now, request))

    def _happen(self, event: _Event) -> None:
        now, what, request = event
        if what == _READY:
            heappush(self.ready, (now, request))
            return
        self.room += self.prompt[request] + self.output[request] - 1
        self.running -= 1
        self._admit(now)

    def _step(self, request: int, now: float) -> None:
        """Let a chunk of the prompt, or one token, in."""
        done, prompt = self.done[request], self.prompt[request]
        if self.entered[request] < 0:
            self.entered[request] = now
        if done >= prompt:
            self._token(request, now, done + 1)
            return
        size = prompt - done if self.rules.chunk is None else min(self.rules.chunk, prompt - done)
        seen = done + size
        self.done[request] = seen
        self.burst = size if now > self.free else min(self.burst + size, len(self.filling) - 1)
        last_in = now + self.entry[seen - 1] - self.entry[done] if seen > done + 1 else now
        if seen < prompt:
            self.free = now + self.entry[seen] - self.entry[done]
            self.busy += self.free - now
            heappush(self.ready, (self.free, request))
            return
        self.free = last_in + self.interval[seen]
        self.busy += self.free - now
        self._made(request, last_in + self.latency[seen] + self.filling[self.burst], seen)

    def _token(self, request: int, now: float, seen: int) -> None:
        self.done[request] = seen
        self.free = now + self.interval[seen]
        self.busy += self.interval[seen]
        self._made(request, now + self.latency[seen], seen)

    def _made(self, request: int, when: float, seen: int) -> None:
        """A new token leaves, none before an interval after the one before it; it goes round, or was the last."""
        when = max(when, self.left_last + self.interval[seen])
        self.left_last = when
        made = seen - self.prompt[request] + 1
        if made == 1:
            self.first[request] = when
        if made == self.output[request]:
            self.finished[request] = when
            heappush(self.events, (when, _LEAVES, request))
        else:
            heappush(self.events, (when, _READY, request))
