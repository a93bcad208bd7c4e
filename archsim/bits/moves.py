"""Small changes of a choice."""

from random import Random

from archsim.bits.problem import Choice, Problem


def at(choice: Choice, place: int) -> int:
    """Bits at a place: of weights and inputs in turn."""
    return choice[place // 2][place % 2]


def changed(choice: Choice, place: int, bits: int) -> Choice:
    """With other bits at a place."""
    pair = list(choice[place // 2])
    pair[place % 2] = bits
    return (*choice[: place // 2], (pair[0], pair[1]), *choice[place // 2 + 1 :])


def stepped(problem: Problem, choice: Choice, place: int, step: int) -> Choice:
    """So many steps up or down at a place, no further than there are choices."""
    choices = problem.choices
    index = choices.index(at(choice, place)) + step
    return changed(choice, place, choices[min(max(index, 0), len(choices) - 1)])


def nearby(problem: Problem, choice: Choice, random: Random) -> Choice:
    """One place down, one place up or down, or both: what annealing and the end of a greedy search try."""
    places = 2 * len(problem.keys)
    found = choice
    if random.random() < 0.7:  # noqa: PLR2004
        found = stepped(problem, found, random.randrange(places), -1)
    if found == choice or random.random() < 0.5:  # noqa: PLR2004
        found = stepped(problem, found, random.randrange(places), random.choice((-1, 1)))
    return found
